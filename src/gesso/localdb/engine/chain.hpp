// What every command goes through: links, each of which does one thing around the ones behind it.
//
//   authorise > operation > fail point > concerns > run
//
// The engine's dialect may have links of its own among them.
//
// A link is a value without state of its own, shared by all threads. What it finds and makes for
// those behind it stands in the Call.
#pragma once

#include <span>
#include <string_view>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/dialect.hpp"
#include "gesso/localdb/engine/operation.hpp"
#include "gesso/localdb/wire/message.hpp"

namespace gesso::localdb {

// One command on its way.
struct Call {
  Services& services;
  Client& client;
  const wire::Message& message;
  std::string_view name;
  std::string_view db;
  const Command& command;
  bson::Builder& reply;
  bool close = false;              // end the connection instead of replying
  Operation* operation = nullptr;  // from the operation's link on
  Ledger* ledger = nullptr;        // behind the link of a dialect that keeps one

  // The same command with another reply.
  [[nodiscard]] Call with(bson::Builder& other) const {
    return {.services = services,
            .client = client,
            .message = message,
            .name = name,
            .db = db,
            .command = command,
            .reply = other,
            .close = close,
            .operation = operation,
            .ledger = ledger};
  }
};

class Link;

// The links behind one.
class Next {
  std::span<const Link* const> links_;
  Call& call_;

 public:
  Next(std::span<const Link* const> links, Call& call) : links_(links), call_(call) {}
  void operator()() const;
  // The same links for another call.
  void operator()(Call& call) const { Next(links_, call)(); }
};

class Link {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  virtual ~Link() = default;
  // Calls `next` once, or does not and so ends the command here. Throws CommandError to refuse it.
  virtual void around(Call& call, const Next& next) const = 0;
};

inline void Next::operator()() const { links_.front()->around(call_, {links_.subspan(1), call_}); }

// Throws CommandError (13) unless the client's user may run the command.
class Authorise final : public Link {
  void around(Call& call, const Next& next) const override;
};

// Puts the command among those that run, and its meter on the thread.
class RunAsOperation final : public Link {
  void around(Call& call, const Next& next) const override;
};

// Does what `configureFailPoint` asks for.
class ObeyFailPoint final : public Link {
  void around(Call& call, const Next& next) const override;
};

// Refuses what one server without an oplog cannot promise: transactions, numbered writes, and
// concerns that need others.
class CheckConcerns final : public Link {
  void around(Call& call, const Next& next) const override;
};

// The end of the chain: checks the arguments against the command's table and runs it.
class Run final : public Link {
  void around(Call& call, const Next& next) const override;
};

// The links of every chain, one of each.
[[nodiscard]] const Link& authorise();
[[nodiscard]] const Link& run_as_operation();
[[nodiscard]] const Link& obey_fail_point();
[[nodiscard]] const Link& check_concerns();
[[nodiscard]] const Link& run();
// localdb's own chain: all of them, in this order.
[[nodiscard]] std::span<const Link* const> plain_chain();

}  // namespace gesso::localdb
