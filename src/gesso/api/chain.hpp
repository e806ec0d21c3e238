// What every request goes through around its operation's function: a chain of links, in this order.
//
//   Recorder       the request's id, its duration, its line in the log, its metrics
//   Authenticator  who calls: the token on the I/O thread, the user on the database worker
//   Limit          whether so much may be asked
//   Bind           the input, or 422 once it is known who asks (Operation::bind)
//   Runner         the function, in its place; what it throws becomes a problem
//   Fields         what every response has: CORS, security headers
//
// Each link is a class of its own and knows none of the others. An `Exchange` is what they pass on:
// one request on its way to one response. Thread-safe, as the links are; none blocks the I/O
// thread.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gesso/api/authenticator.hpp"
#include "gesso/api/limit.hpp"
#include "gesso/api/operation.hpp"
#include "gesso/api/recorder.hpp"
#include "gesso/api/services.hpp"
#include "gesso/http/request.hpp"
#include "gesso/http/response.hpp"
#include "gesso/http/router.hpp"

namespace gesso::api {

// One request on its way through the chain. Shared by whoever works on it; used by one thread at a
// time, which hands it on.
struct Exchange {
  const Operation* operation = nullptr;  // nullptr where there is none at the path
  std::string request_id;
  Deadline deadline;
  Client client;
  std::string origin;  // of the page that asks; "" where none says
  bool is_https = false;
  http::Responder respond;
  Record record;
  std::optional<Credentials> credentials;
  std::optional<Caller> caller;
  LimitProgress limit;
  std::unique_ptr<BoundOperation> bound;  // nullptr where the violations say why
  std::vector<Violation> violations;
  std::stop_token client_gone = {};
  mongo::Session* session = nullptr;  // of the unit of work that is running
  Undo undo = {};  // of what the function did, where the answer must reach the client
};

class Chain {
  const Services& services_;
  Authenticator authenticator_;
  Limit limit_;
  Recorder recorder_;

 public:
  explicit Chain(const Services& services)
      : services_(services), authenticator_(services), limit_(services), recorder_(services) {}

  // Answers a request for an operation, now or later.
  void serve(const Operation& operation, const http::PathParameters& path, http::Request request,
             http::Responder respond) const;
  // Answers a request that is for none.
  void refuse(const http::Request& request, http::Response response, http::Responder respond) const;

 private:
  using ExchangePtr = std::shared_ptr<Exchange>;

  void dispatch(const ExchangePtr& exchange) const;
  void refuse_input(const ExchangePtr& exchange) const;
  // Finds out on a database worker who calls and, where that may be, goes on with `then`.
  template <class Then>
  void run_on_database(const ExchangePtr& exchange, Then then) const;
  template <class PoolCall>
  void run_on_pool(domain::HashPool& pool, const ExchangePtr& exchange) const;
  // Does on the I/O thread what would be done on a database worker; false where it has to be done
  // there after all, and what is known by then stands in the exchange.
  [[nodiscard]] bool read_here(const ExchangePtr& exchange) const;
  void read(Exchange& exchange, mongo::Session& session) const;
  // Whether the I/O thread knows all that `admit` would ask the database.
  [[nodiscard]] static bool is_admitted(const Exchange& exchange) {
    return !exchange.credentials && exchange.limit.settled;
  }
  // Finds out who calls if that is not known yet, and whether so much may be asked; false where the
  // exchange was answered with what is in the way.
  [[nodiscard]] bool admit(Exchange& exchange, mongo::Session& session) const;
  [[nodiscard]] bool identify(Exchange& exchange, mongo::Session& session) const;
  void answer(Exchange& exchange, http::Response response) const;
  // Has what the function did taken back, unless this response reaches the client.
  void undo_unless_taken(Exchange& exchange, http::Response& response) const;
  void add_fields(http::Response& response, std::string_view origin, bool is_https) const;
  void fail(Exchange& exchange, const std::exception_ptr& failure) const;
};

}  // namespace gesso::api
