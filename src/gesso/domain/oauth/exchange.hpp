// The way from a provider's code to a profile: a state machine without I/O. Each step says what is
// needed next, and is given it.
//
//   CodeExchange exchange(provider, metadata, attempt, code);
//   CodeExchange::Step step = exchange.start();
//   step is a request -> exchange.reply(response, now); a key -> exchange.key(found, now)
//
// Of one owner; not thread-safe; never blocks. Borrows the provider and the metadata.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gesso/client/http_client.hpp"
#include "gesso/domain/oauth/attempt.hpp"
#include "gesso/domain/oauth/profile.hpp"

namespace gesso::domain::oauth {

// What a provider says of itself (OpenID Connect Discovery 1.0; RFC 8414).
struct Metadata {
  std::string issuer;  // for several tenants with "{tenantid}" in it
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::string jwks_uri = {};
  bool issuer_in_response = false;  // RFC 9207: the callback must have `iss`
};

// The document of `metadata_url`, which must be of the provider's issuer. Throws Error kInternal
// with what is wrong.
[[nodiscard]] Metadata read_metadata(const Provider& provider, std::string_view text);
// Of a provider that has no such document.
[[nodiscard]] Metadata static_metadata(const Provider& provider);

// What the browser brings back (RFC 6749, 4.1.2): the query of the redirect URI.
struct Callback {
  std::optional<std::string> code = {};
  std::optional<std::string> state = {};
  std::optional<std::string> issuer = {};  // `iss`
  std::optional<std::string> error = {};
};

// Whether the callback belongs to the attempt and came from the provider: state, RFC 9207's issuer
// (against mix-up), then the provider's own refusal. std::nullopt where there is a code to
// exchange.
[[nodiscard]] std::optional<Refusal> refuse_callback(const Callback& callback,
                                                     const Attempt& attempt,
                                                     const Metadata& metadata);

class CodeExchange {
 public:
  struct KeyNeeded {
    std::string id;  // of the ID token's key; empty where it names none
  };
  using Step = std::variant<client::HttpRequest, KeyNeeded, Outcome>;

 private:
  enum class State { kToken, kKey, kUser, kEmails, kDone };
  const Provider& provider_;
  const Metadata& metadata_;
  Attempt attempt_;
  std::string code_;
  State state_ = State::kToken;
  Secret token_ = {};     // GitHub's, for its API
  Secret id_token_ = {};  // OpenID Connect's
  Profile profile_ = {};  // GitHub's, without an address yet

  Step done(Outcome outcome);
  Step refuse(RefusalReason reason, std::string detail);
  Step token_reply(const client::HttpResponse& response);
  Step user_reply(const client::HttpResponse& response);
  Step emails_reply(const client::HttpResponse& response);
  [[nodiscard]] client::HttpRequest api_request(const std::string& url) const;

 public:
  CodeExchange(const Provider& provider, const Metadata& metadata, Attempt attempt,
               std::string code)
      : provider_(provider),
        metadata_(metadata),
        attempt_(std::move(attempt)),
        code_(std::move(code)) {}

  // The code's exchange, which is never sent twice: the code is good once.
  [[nodiscard]] Step start();
  // REQUIRES: the step before was a request. Throws Error: kAuth where the provider does not know
  // us (our client id or secret), kThrottled, kUnavailable for its own failures.
  [[nodiscard]] Step reply(const client::HttpResponse& response);
  // REQUIRES: the step before was a key that is needed. nullptr: the provider has none of that id.
  [[nodiscard]] Step key(const VerificationKey* key, Time now);
};

}  // namespace gesso::domain::oauth
