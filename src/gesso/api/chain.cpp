#include "gesso/api/chain.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "gesso/base/error.hpp"
#include "gesso/domain/client_network.hpp"
#include "gesso/http/problem.hpp"
#include "gesso/http/security_headers.hpp"

namespace gesso::api {
namespace {

http::Location location_of(const Operation& operation) {
  switch (operation.info().method) {
    case http::Method::kPost:
    case http::Method::kPut:
    case http::Method::kPatch:
      return http::Location::kBody;
    default:
      return http::Location::kQuery;
  }
}

Client client_of(const http::Request& request) {
  return {.address = request.client_address,
          .user_agent = std::string(request.headers.find("user-agent").value_or(""))};
}

std::string origin_of(const http::Request& request) {
  return std::string(request.headers.find("origin").value_or(""));
}

Record record_of(const http::Request& request, std::string_view operation) {
  return {.began = std::chrono::steady_clock::now(),
          .method = http::to_string(request.method),
          .path = request.path,
          .operation = operation,
          .request_id = request.id,
          .address = request.client_address};
}

const Caller* caller_of(const Exchange& exchange) {
  return exchange.caller ? &*exchange.caller : nullptr;
}

Call call_of(const Services& services, Exchange& exchange) {
  return {.services = services,
          .request_id = exchange.request_id,
          .deadline = exchange.deadline,
          .client = exchange.client,
          .known_caller = caller_of(exchange),
          .client_gone = exchange.client_gone,
          .undo = &exchange.undo,
          .request_units = &exchange.record.request_units,
          .served_user = &exchange.record.user_id};
}

// Who it is that shows these, as far as they say so themselves.
std::optional<std::string_view> known_user(const std::optional<Credentials>& credentials) {
  if (!credentials) return std::nullopt;
  const auto* session = std::get_if<domain::SessionCredential>(&*credentials);
  return session == nullptr ? std::nullopt
                            : std::optional<std::string_view>(session->user_id.str());
}

// Adds at its end what admission has cost, whether it lets in, refuses or fails.
class Admission {
  Exchange& exchange_;

 public:
  Admission(Exchange& exchange, mongo::Session& session) : exchange_(exchange) {
    exchange_.session = &session;
  }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;
  ~Admission() {
    if (exchange_.session == nullptr) return;  // it was answered
    add_request_units(exchange_.record.request_units, *exchange_.session);
    exchange_.session = nullptr;
  }
};

}  // namespace

void add_request_units(std::optional<double>& sum, const mongo::Session& session) {
  if (const auto charge = session.request_charge()) {
    sum = sum.value_or(0) + charge->request_units;
  }
}

void Chain::serve(const Operation& operation, const http::PathParameters& path,
                  http::Request request, http::Responder respond) const {
  const OperationInfo& info = operation.info();
  const auto timeout = info.timeout.count() > 0 ? std::min(info.timeout, services_.request_timeout)
                                                : services_.request_timeout;
  const auto exchange = std::make_shared<Exchange>(Exchange{.operation = &operation,
                                                            .request_id = request.id,
                                                            .deadline = Deadline::after(timeout),
                                                            .client = client_of(request),
                                                            .origin = origin_of(request),
                                                            .is_https = request.is_https,
                                                            .respond = std::move(respond),
                                                            .record = record_of(request, info.id),
                                                            .credentials = {},
                                                            .caller = {},
                                                            .limit = {.request_id = request.id},
                                                            .bound = nullptr,
                                                            .violations = {},
                                                            .client_gone = request.client_gone});
  try {
    if (info.access != Access::kPublic) {
      auto identified = authenticator_.identify(request);
      if (const auto* refused = std::get_if<NotAuthenticated>(&identified)) {
        return answer(*exchange, http::unauthorized(refused->why, exchange->request_id));
      }
      exchange->credentials = std::get<Credentials>(std::move(identified));
    }
    if (auto refused = limit_.before(exchange->limit, info.limit, exchange->client,
                                     known_user(exchange->credentials), !exchange->credentials)) {
      return answer(*exchange, *std::move(refused));
    }
    exchange->bound = operation.bind({.request = request, .path = path}, exchange->violations);
    if (!exchange->bound) return refuse_input(exchange);
    dispatch(exchange);
  } catch (...) {
    fail(*exchange, std::current_exception());
  }
}

void Chain::refuse(const http::Request& request, http::Response response,
                   http::Responder respond) const {
  Record record = record_of(request, {});
  add_fields(response, origin_of(request), request.is_https);
  recorder_.finish(record, response);
  respond(std::move(response));
}

template <class Then>
void Chain::run_on_database(const ExchangePtr& exchange, Then then) const {
  services_.database.submit(
      exchange->deadline,
      [this, exchange, then](mongo::Session& session) {
        exchange->session = &session;
        try {
          if (admit(*exchange, session)) then(session);
        } catch (...) {
          fail(*exchange, std::current_exception());
        }
      },
      [this, exchange](const std::exception_ptr& refusal) { fail(*exchange, refusal); });
}

// Whoever may not come in is not told what is wrong with the request.
void Chain::refuse_input(const ExchangePtr& exchange) const {
  const auto refuse_it = [this, exchange] {
    answer(*exchange, http::unprocessable(exchange->violations, http::Location::kInPath));
  };
  if (is_admitted(*exchange)) return refuse_it();
  run_on_database(exchange, [refuse_it](mongo::Session&) { refuse_it(); });
}

void Chain::dispatch(const ExchangePtr& exchange) const {
  switch (exchange->operation->place()) {
    case Place::kDatabase:
      return run_on_database(exchange, [this, exchange](mongo::Session& session) {
        DatabaseCall call{call_of(services_, *exchange), session};
        answer(*exchange, exchange->bound->run(call));
      });
    case Place::kRead:
      if (read_here(exchange)) return;
      return run_on_database(
          exchange, [this, exchange](mongo::Session& session) { read(*exchange, session); });
    case Place::kHashing:
      return run_on_pool<HashingCall>(services_.hashes, exchange);
    case Place::kOutgoing:
      return run_on_pool<OutgoingCall>(
          services_.outgoing != nullptr ? *services_.outgoing : services_.hashes, exchange);
    case Place::kInline: {
      const auto run = [this, exchange] {
        InlineCall call{call_of(services_, *exchange)};
        answer(*exchange, exchange->bound->run(call));
      };
      if (is_admitted(*exchange)) return run();
      return run_on_database(exchange, [run](mongo::Session&) { run(); });
    }
  }
}

bool Chain::read_here(const ExchangePtr& exchange) const {
  // An API key's use is noted down now and then: a write, which waits for the disk.
  if (exchange->credentials &&
      !std::holds_alternative<domain::SessionCredential>(*exchange->credentials)) {
    return false;
  }
  bool done = false;
  (void)services_.database.run_here(exchange->deadline, [&](mongo::Session& session) {
    done = true;
    try {
      if (exchange->credentials && !identify(*exchange, session)) return;
      if (auto refused = limit_.try_take(exchange->limit, exchange->operation->info().limit,
                                         exchange->client, caller_of(*exchange))) {
        return answer(*exchange, *std::move(refused));
      }
      done = exchange->limit.settled;
      if (done) read(*exchange, session);
    } catch (...) {
      fail(*exchange, std::current_exception());
    }
  });
  return done;
}

void Chain::read(Exchange& exchange, mongo::Session& session) const {
  ReadCall call{{call_of(services_, exchange), session}};
  answer(exchange, exchange.bound->run(call));
}

template <class PoolCall>
void Chain::run_on_pool(domain::HashPool& pool, const ExchangePtr& exchange) const {
  const auto run = [this, exchange] {
    try {
      const auto enter = [&](mongo::Session& session) {
        const Admission admission(*exchange, session);
        return admit(*exchange, session);
      };
      const bool admitted =
          is_admitted(*exchange) || services_.database.run(exchange->deadline, enter);
      if (!admitted) return;
      PoolCall call{call_of(services_, *exchange)};
      answer(*exchange, exchange->bound->run(call));
    } catch (...) {
      fail(*exchange, std::current_exception());
    }
  };
  const auto late = [this, exchange] {
    fail(*exchange,
         std::make_exception_ptr(Error(ErrorKind::kTimeout, "waited too long for a thread")));
  };
  // By their resource: images, payments and sign-ins wait for different services.
  if (!pool.submit(domain::network_of(exchange->client.address), exchange->deadline, run, late,
                   exchange->operation->info().tag)) {
    throw Error(ErrorKind::kOverloaded, "the pool's queue is full");
  }
}

bool Chain::admit(Exchange& exchange, mongo::Session& session) const {
  if (exchange.credentials && !exchange.caller && !identify(exchange, session)) return false;
  auto refused = limit_.take(exchange.limit, exchange.operation->info().limit, exchange.client,
                             caller_of(exchange), session);
  if (!refused) return true;
  answer(exchange, *std::move(refused));
  return false;
}

bool Chain::identify(Exchange& exchange, mongo::Session& session) const {
  exchange.caller = authenticator_.admit(*exchange.credentials, session);
  if (!exchange.caller) {
    answer(exchange, http::unauthorized(domain::describe(domain::AdmissionFault::kEnded),
                                        exchange.request_id));
    return false;
  }
  exchange.record.user_id = exchange.caller->user_id.str();
  const auto& scope = exchange.operation->info().scope;
  if (scope && !exchange.caller->scopes.has(*scope)) {
    answer(exchange, encode_problem(Forbidden{.detail = "This needs the scope " +
                                                        std::string(schema::to_string(*scope))},
                                    exchange.request_id));
    return false;
  }
  return true;
}

void Chain::add_fields(http::Response& response, std::string_view origin, bool is_https) const {
  services_.cors.apply(origin, response);
  http::add_security_headers(response, is_https, services_.strict_transport);
}

void Chain::answer(Exchange& exchange, http::Response response) const {
  if (exchange.session != nullptr) {
    add_request_units(exchange.record.request_units, *exchange.session);
    exchange.session = nullptr;
  }
  Limit::tell(exchange.limit, response);
  add_fields(response, exchange.origin, exchange.is_https);
  recorder_.finish(exchange.record, response);
  if (exchange.undo) undo_unless_taken(exchange, response);
  exchange.respond(std::move(response));
}

void Chain::undo_unless_taken(Exchange& exchange, http::Response& response) const {
  auto lost = [&database = services_.database, id = exchange.request_id,
               undo = std::exchange(exchange.undo, {})] {
    const auto warn = [id](const std::exception_ptr& failure) {
      try {
        std::rethrow_exception(failure);
      } catch (const std::exception& error) {
        spdlog::warn("{}: what its client did not learn of stays for now: {}", id, error.what());
      }
    };
    const auto take_back = [undo, warn](mongo::Session& session) {
      try {
        undo(session);
      } catch (...) {
        warn(std::current_exception());
      }
    };
    database.submit(Deadline::after(database.default_deadline()), take_back, warn);
  };
  if (response.status >= 400) return lost();
  response.delivery = std::make_shared<http::Delivery>(std::move(lost));
}

void Chain::fail(Exchange& exchange, const std::exception_ptr& failure) const {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    if (http::is_our_fault(error)) {
      spdlog::error("{}: {}: {}", exchange.request_id, to_string(error.kind()), error.what());
    }
    auto recovered = exchange.operation->recover(call_of(services_, exchange), error);
    answer(exchange, recovered ? *std::move(recovered)
                               : http::problem_of(error, location_of(*exchange.operation),
                                                  exchange.request_id));
  } catch (const std::exception& error) {
    spdlog::error("{}: {}", exchange.request_id, error.what());
    answer(exchange, http::problem_of(Error(ErrorKind::kInternal, error.what()),
                                      http::Location::kBody, exchange.request_id));
  }
}

}  // namespace gesso::api
