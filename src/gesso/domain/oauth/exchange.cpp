#include "gesso/domain/oauth/exchange.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/client/url.hpp"
#include "gesso/client/wiped_json.hpp"

namespace gesso::domain::oauth {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxText = 320;  // of an address or a name
constexpr std::chrono::seconds kTimeout{10};

std::string who(const Provider& provider) { return std::string(to_string(provider.kind)); }

const json::object* as_object(const client::WipedJson& document) {
  return document.root() != nullptr ? document.root()->if_object() : nullptr;
}

std::string_view text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return value->get_string();
}

bool is_true(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

// An error's code as the standards have it: nothing that could be more than a word is logged.
std::string word(std::string_view text) {
  const bool plain = text.size() <= 64 && std::ranges::all_of(text, [](char c) {
                       return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.';
                     });
  return plain && !text.empty() ? std::string(text) : "an error without a name";
}

// Failures that are the provider's or ours, not those of one sign-in.
void check_status(const Provider& provider, std::string_view doing, int status) {
  const std::string what =
      who(provider) + ": " + std::string(doing) + ": status " + std::to_string(status);
  if (status == 429) throw Error(ErrorKind::kThrottled, what, {.retryable = true});
  if (status >= 500) throw Error(ErrorKind::kUnavailable, what, {.retryable = true});
}

bool is_https_or_local(std::string_view text) {
  const auto url = client::parse_url(text);
  return url && (url->scheme == "https" || url->is_local());
}

}  // namespace

Metadata static_metadata(const Provider& provider) {
  return {.issuer = provider.issuer,
          .authorization_endpoint = provider.authorize_url,
          .token_endpoint = provider.token_url};
}

Metadata read_metadata(const Provider& provider, std::string_view text) {
  const auto refuse = [&](std::string_view reason) {
    return Error(ErrorKind::kInternal,
                 who(provider) + ": the metadata cannot be used: " + std::string(reason));
  };
  const client::WipedJson document(text);
  const json::object* object = as_object(document);
  if (object == nullptr) throw refuse("it is no JSON object");
  Metadata metadata{
      .issuer = std::string(text_of(*object, "issuer")),
      .authorization_endpoint = std::string(text_of(*object, "authorization_endpoint")),
      .token_endpoint = std::string(text_of(*object, "token_endpoint")),
      .jwks_uri = std::string(text_of(*object, "jwks_uri")),
      .issuer_in_response = is_true(*object, "authorization_response_iss_parameter_supported")};
  // OpenID Connect Discovery 1.0, 4.3: else whoever can write that document is every provider.
  if (metadata.issuer != provider.issuer) throw refuse("it is another issuer's");
  for (const std::string* url :
       {&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri}) {
    if (!is_https_or_local(*url)) throw refuse("an endpoint is no URL of https");
  }
  return metadata;
}

std::optional<Refusal> refuse_callback(const Callback& callback, const Attempt& attempt,
                                       const Metadata& metadata) {
  if (!callback.state || !constant_time_equal(*callback.state, attempt.state)) {
    return Refusal{RefusalReason::kNotBegun, "the state is another"};
  }
  if (callback.issuer ? !matches_issuer(metadata.issuer, *callback.issuer)
                      : metadata.issuer_in_response) {
    return Refusal{RefusalReason::kProvider, "the callback is of another issuer"};
  }
  if (callback.error) {
    const bool cancelled = *callback.error == "access_denied";
    return Refusal{cancelled ? RefusalReason::kCancelled : RefusalReason::kProvider,
                   word(*callback.error)};
  }
  if (!callback.code || callback.code->empty()) {
    return Refusal{RefusalReason::kProvider, "the callback has no code"};
  }
  return std::nullopt;
}

CodeExchange::Step CodeExchange::done(Outcome outcome) {
  state_ = State::kDone;
  token_ = Secret();
  id_token_ = Secret();
  return outcome;
}

CodeExchange::Step CodeExchange::refuse(RefusalReason reason, std::string detail) {
  return done(Refusal{reason, std::move(detail)});
}

CodeExchange::Step CodeExchange::start() {
  client::HttpRequest request{
      .method = "POST", .url = metadata_.token_endpoint, .timeout = kTimeout};
  const auto plain = [&](std::string_view name, std::string_view value) {
    request.headers.emplace_back(std::string(name), Secret(value));
  };
  plain("Content-Type", "application/x-www-form-urlencoded");
  plain("Accept", "application/json");  // GitHub answers with a form otherwise
  request.body = Secret(client::form_encode({{"grant_type", "authorization_code"},
                                             {"code", code_},
                                             {"redirect_uri", attempt_.redirect_uri},
                                             {"client_id", provider_.client_id},
                                             {"client_secret", provider_.client_secret.reveal()},
                                             {"code_verifier", attempt_.verifier}}));
  return request;
}

CodeExchange::Step CodeExchange::reply(const client::HttpResponse& response) {
  switch (state_) {
    case State::kToken:
      return token_reply(response);
    case State::kUser:
      return user_reply(response);
    case State::kEmails:
      return emails_reply(response);
    default:
      throw Error(ErrorKind::kInternal, "no reply is awaited");
  }
}

CodeExchange::Step CodeExchange::token_reply(const client::HttpResponse& response) {
  check_status(provider_, "exchanging the code", response.status);
  const client::WipedJson document(response.body.reveal());
  const json::object* object = as_object(document);
  const std::string_view error = object != nullptr ? text_of(*object, "error") : "";
  // GitHub's errors come with status 200.
  if (error == "invalid_grant" || error == "bad_verification_code") {
    return refuse(RefusalReason::kCode, word(error));
  }
  if (!error.empty() || response.status != 200) {
    // invalid_client, incorrect_client_credentials, redirect_uri_mismatch, ...: ours to mend.
    throw Error(ErrorKind::kAuth, who(provider_) + " refuses to exchange the code: status " +
                                      std::to_string(response.status) + ", " + word(error));
  }
  if (provider_.is_openid()) {
    const std::string_view token = object != nullptr ? text_of(*object, "id_token") : "";
    const auto parts = split_id_token(token);
    if (const auto* fault = std::get_if<NotAcceptable>(&parts)) {
      return refuse(RefusalReason::kProvider, fault->reason);
    }
    id_token_ = Secret(token);
    state_ = State::kKey;
    return KeyNeeded{std::get<jose::TokenParts>(parts).key_id};
  }
  const std::string_view token = object != nullptr ? text_of(*object, "access_token") : "";
  const bool is_bearer =
      object != nullptr && equal_ignoring_case(text_of(*object, "token_type"), "bearer");
  if (token.empty() || !is_bearer) {
    return refuse(RefusalReason::kProvider, "its reply holds no token");
  }
  token_ = Secret(token);
  state_ = State::kUser;
  return api_request(provider_.user_url);
}

client::HttpRequest CodeExchange::api_request(const std::string& url) const {
  client::HttpRequest request{.url = url, .timeout = kTimeout};
  std::string authorization = "Bearer ";
  authorization.reserve(authorization.size() + token_.reveal().size());
  authorization += token_.reveal();
  request.headers.emplace_back("Authorization", Secret(std::move(authorization)));
  request.headers.emplace_back("Accept", Secret(std::string_view("application/vnd.github+json")));
  request.headers.emplace_back("X-GitHub-Api-Version", Secret(std::string_view("2022-11-28")));
  return request;
}

CodeExchange::Step CodeExchange::key(const VerificationKey* key, Time now) {
  if (state_ != State::kKey) throw Error(ErrorKind::kInternal, "no key is awaited");
  if (key == nullptr) {
    return refuse(RefusalReason::kProvider, "the ID token is signed with an unknown key");
  }
  const auto parts = split_id_token(id_token_.reveal());
  const auto checked = check_id_token(std::get<jose::TokenParts>(parts), *key,
                                      {.issuer = metadata_.issuer,
                                       .legacy_issuer = provider_.legacy_issuer,
                                       .client_id = provider_.client_id,
                                       .nonce = attempt_.nonce,
                                       .hosted_domain = provider_.hosted_domain},
                                      now);
  if (const auto* fault = std::get_if<NotAcceptable>(&checked)) {
    return refuse(RefusalReason::kProvider, fault->reason);
  }
  return done(profile_of(provider_.kind, std::get<IdClaims>(checked)));
}

CodeExchange::Step CodeExchange::user_reply(const client::HttpResponse& response) {
  check_status(provider_, "reading the user", response.status);
  const client::WipedJson document(response.body.reveal());
  const json::object* user = as_object(document);
  const json::value* id = user != nullptr ? user->if_contains("id") : nullptr;
  if (response.status != 200 || id == nullptr || !id->is_int64() || id->get_int64() <= 0) {
    return refuse(RefusalReason::kProvider, "its reply names no user");
  }
  std::string_view name = text_of(*user, "name");  // may be null
  if (name.empty()) name = text_of(*user, "login");
  profile_ = {.provider = provider_.kind,
              .issuer = provider_.issuer,
              .subject = std::to_string(id->get_int64()),
              .name = std::string(utf8_prefix(name, kMaxText))};
  state_ = State::kEmails;
  return api_request(provider_.emails_url);
}

CodeExchange::Step CodeExchange::emails_reply(const client::HttpResponse& response) {
  check_status(provider_, "reading the addresses", response.status);
  const client::WipedJson document(response.body.reveal());
  const json::array* emails = document.root() != nullptr ? document.root()->if_array() : nullptr;
  if (response.status != 200 || emails == nullptr) {
    return refuse(RefusalReason::kProvider, "its reply lists no addresses");
  }
  for (const json::value& entry : *emails) {
    const json::object* email = entry.if_object();
    if (email == nullptr || !is_true(*email, "primary") || !is_true(*email, "verified")) continue;
    profile_.email = utf8_prefix(text_of(*email, "email"), kMaxText);
    profile_.email_verified = !profile_.email.empty();
  }
  return done(std::move(profile_));
}

}  // namespace gesso::domain::oauth
