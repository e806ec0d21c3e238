// What an operation's function is called with, beside its input. The type of its first parameter
// says where the function runs:
//
//   DatabaseCall  on a database worker, which holds a connection for it: most operations
//   ReadCall      a read that an index serves and a limit bounds: on the I/O thread where the
//                 database is in this process, since handing it to another thread takes longer;
//                 elsewhere as a DatabaseCall
//   HashingCall   on the hash pool: what hashes passwords, and asks the database in between
//   OutgoingCall  on a pool of its own: what asks other services (sign-in, payments, images), and
//                 the database in between; a service that is slow holds neither connections nor
//                 logins
//   InlineCall    on the I/O thread: must not block, and so needs no caller
//
// Lives for one call of one function, on that function's thread.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "gesso/api/caller.hpp"
#include "gesso/api/services.hpp"
#include "gesso/base/deadline.hpp"

namespace gesso::api {

// Adds what a session's unit of work has cost, where that is measured.
void add_request_units(std::optional<double>& sum, const mongo::Session& session);

// What takes the effect of an operation back, on a database worker.
using Undo = std::function<void(mongo::Session&)>;

struct Call {
  const Services& services;
  std::string_view request_id;
  Deadline deadline;
  const Client& client;
  const Caller* known_caller = nullptr;
  std::stop_token client_gone = {};  // nobody will read the answer
  Undo* undo = nullptr;
  std::optional<double>* request_units = nullptr;  // where to add what units of work cost
  std::string* served_user = nullptr;              // see `is_for`

  // Throws std::logic_error in an operation that is for everybody.
  [[nodiscard]] const Caller& caller() const {
    if (known_caller == nullptr) throw std::logic_error("a public operation has no caller");
    return *known_caller;
  }
  [[nodiscard]] const models::UserId& user_id() const { return caller().user_id; }

  // Of a public operation: whose request it turned out to be, for the access log and the usage log.
  void is_for(const models::UserId& user) const {
    if (served_user != nullptr) *served_user = user.str();
  }

  // Runs `take_back` at once, unless the answer to this call is good and reaches its client.
  void unless_answered(Undo take_back) const {
    if (undo != nullptr) *undo = std::move(take_back);
  }
};

struct DatabaseCall : Call {
  mongo::Session& session;

  // A repository, or whatever else is made of a session and the repositories' context.
  template <class R>
  [[nodiscard]] R make() const {
    return R(session, services.repository_context);
  }
};

struct ReadCall : DatabaseCall {};

// Of a pool whose threads hold no connection.
class PooledCall : public Call {
  // At the end of a unit, whichever it is.
  struct Adding {
    std::optional<double>* sum;
    const mongo::Session& session;
    ~Adding() {
      if (sum != nullptr) add_request_units(*sum, session);
    }
  };

 public:
  // Runs a unit of work on a database worker and waits for what it returns or throws.
  template <class F>
  auto run(F&& unit) const {
    return services.database.run(deadline, [&](mongo::Session& session) {
      const Adding adding{request_units, session};
      return unit(session);
    });
  }
};
struct HashingCall : PooledCall {};
struct OutgoingCall : PooledCall {};

struct InlineCall : Call {};

}  // namespace gesso::api
