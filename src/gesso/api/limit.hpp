// The link that asks whether a caller may ask so much (domain/limiter.hpp), and what the response
// tells of it.
//
// Whoever has logged in is limited by user and tier, wherever the calls come from; others by their
// address. Const, hence thread-safe. `before` never blocks, `take` does.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gesso/api/caller.hpp"
#include "gesso/api/services.hpp"
#include "gesso/domain/limiter.hpp"
#include "gesso/http/response.hpp"

namespace gesso::api {

// How far a request has come in this.
struct LimitProgress {
  std::string request_id;         // for a refusal
  bool settled = false;           // nothing is left to ask
  domain::LimitState state = {};  // for the response's fields
};

class Limit {
  const Services& services_;

 public:
  explicit Limit(const Services& services) : services_(services) {}

  // What can be told on the I/O thread: the refusal, or std::nullopt where the request may go on,
  // to `take` if it is not settled. `known_user` is the id of who shows a token, as far as it is
  // known there; std::nullopt for an operation that is for everybody.
  [[nodiscard]] std::optional<http::Response> before(LimitProgress& progress,
                                                     LimitClass limit_class, const Client& client,
                                                     std::optional<std::string_view> known_user,
                                                     bool is_public) const;
  // What this instance can tell once the caller is known: the refusal, or std::nullopt, and then
  // `take` is left where it is not settled. Does not block.
  [[nodiscard]] std::optional<http::Response> try_take(LimitProgress& progress,
                                                       LimitClass limit_class, const Client& client,
                                                       const Caller* caller) const;
  // The rest, on a database worker. `caller` is nullptr in an operation that is for everybody.
  [[nodiscard]] std::optional<http::Response> take(LimitProgress& progress, LimitClass limit_class,
                                                   const Client& client, const Caller* caller,
                                                   mongo::Session& session) const;

  // Adds to a response how the quotas stand.
  static void tell(const LimitProgress& progress, http::Response& response);
};

}  // namespace gesso::api
