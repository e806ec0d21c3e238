#include "gesso/domain/jwt.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/domain/detail/verified_tokens.hpp"

namespace gesso::domain {
namespace {

namespace json = boost::json;

// Clocks of two machines that issue and verify differ a little.
constexpr double kClockSkew = 60;

constexpr TokenUse kUses[] = {TokenUse::kAccess, TokenUse::kSecondFactor};

std::string_view type_of(TokenUse use) { return use == TokenUse::kAccess ? "at+jwt" : "mfa+jwt"; }

// A second factor's audience is another, too: RFC 8725, 3.9 and 3.12.
std::string audience_of(TokenUse use, const TokenSettings& settings) {
  return use == TokenUse::kAccess ? settings.audience : settings.audience + "/second-factor";
}

std::optional<json::object> decode_object(std::string_view segment) {
  const auto text = base64url_decode(segment);
  if (!text) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(*text, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

const json::string* text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_string();
}

bool says(const json::object& object, std::string_view name, std::string_view expected) {
  const json::string* text = text_member(object, name);
  return text != nullptr && std::string_view(*text) == expected;
}

// A NumericDate may have a fraction (RFC 7519, 2).
std::optional<double> date_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double seconds = value->to_number<double>();
  if (!std::isfinite(seconds)) return std::nullopt;
  return seconds;
}

bool is_for(const json::object& claims, std::string_view audience) {
  const json::value* value = claims.if_contains("aud");
  if (value == nullptr) return false;
  const auto equals = [&](const json::value& one) {
    const json::string* text = one.if_string();
    return text != nullptr && std::string_view(*text) == audience;
  };
  const json::array* several = value->if_array();
  return several == nullptr ? equals(*value) : std::ranges::any_of(*several, equals);
}

std::string header_of(TokenUse use, std::string_view key_id) {
  return base64url_encode(R"({"alg":"HS256","typ":")" + std::string(type_of(use)) + R"(","kid":")" +
                          std::string(key_id) + R"("})");
}

}  // namespace

std::string_view describe(TokenFault fault) noexcept {
  switch (fault) {
    case TokenFault::kMalformed:
      return "This is not an access token";
    case TokenFault::kSignature:
      return "The token's signature is not good";
    case TokenFault::kExpired:
      return "The token has expired";
  }
  return "This is not an access token";
}

Tokens::Tokens(Secret current, std::optional<Secret> previous, TokenSettings settings,
               const Clock& clock)
    : settings_(std::move(settings)),
      clock_(clock),
      verified_(std::make_unique<detail::VerifiedTokens>()) {
  const auto add = [this](Secret secret) {
    if (secret.reveal().size() < kMinKeyBytes) {
      throw Error(ErrorKind::kValidation, "the key of access tokens must have at least " +
                                              std::to_string(kMinKeyBytes) + " bytes");
    }
    // Named by itself, so that nobody has to.
    HmacSha256 hmac(secret.reveal());
    Key key{.secret = std::move(secret), .hmac = std::move(hmac), .id = {}, .headers = {}};
    key.id = base64url_encode(sign(key.secret.reveal(), "kid")).substr(0, 8);
    for (const TokenUse use : kUses) key.headers.push_back(header_of(use, key.id));
    keys_.push_back(std::move(key));
  };
  add(std::move(current));
  if (previous) add(std::move(*previous));
}

Tokens::~Tokens() = default;

std::string sign(std::string_view key, std::string_view signing_input) {
  return std::string(as_text(hmac_sha256(key, signing_input)));
}

std::chrono::seconds Tokens::lifetime(TokenUse use) const noexcept {
  return use == TokenUse::kAccess ? settings_.access_lifetime : settings_.second_factor_lifetime;
}

std::string Tokens::issue(TokenUse use, const TokenClaims& said) const {
  const std::int64_t now =
      std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
  json::object claims;
  claims["iss"] = settings_.issuer;
  claims["aud"] = audience_of(use, settings_);
  claims["sub"] = said.subject;
  claims["sid"] = said.session_id;
  claims["jti"] = said.token_id;
  claims["iat"] = now;
  claims["exp"] = now + lifetime(use).count();
  const Key& key = keys_.front();
  const std::string input =
      key.headers[static_cast<std::size_t>(use)] + "." + base64url_encode(json::serialize(claims));
  return input + "." + base64url_encode(sign(key.secret.reveal(), input));
}

struct Tokens::Verified : detail::VerifiedTokens::Verified {};

double Tokens::seconds_now() const {
  return std::chrono::duration<double>(clock_.now().time_since_epoch()).count();
}

std::optional<TokenClaims> Tokens::verify(TokenUse use, std::string_view token,
                                          TokenFault& fault) const {
  const bool is_remembered =
      use == TokenUse::kAccess && !token.empty() && token.size() <= kMaxTokenBytes;
  if (is_remembered) {
    if (auto known = verified_->find(token)) {
      fault = TokenFault::kExpired;
      if (known->expires <= seconds_now()) return std::nullopt;
      return std::move(known->claims);
    }
  }
  auto verified = verify_anew(use, token, fault);
  if (!verified) return std::nullopt;
  if (is_remembered) verified_->keep(token, *verified);
  return std::move(verified->claims);
}

std::optional<Tokens::Verified> Tokens::verify_anew(TokenUse use, std::string_view token,
                                                    TokenFault& fault) const {
  fault = TokenFault::kMalformed;
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (token.size() > kMaxTokenBytes || first == last || token.find('.', first + 1) != last) {
    return std::nullopt;
  }
  const auto signature = base64url_decode(token.substr(last + 1));
  if (!signature) return std::nullopt;
  fault = TokenFault::kSignature;
  const std::string_view input = token.substr(0, last);
  const auto key = std::ranges::find_if(keys_, [&](const Key& one) {
    return constant_time_equal(as_text(one.hmac.of(input)), *signature);
  });
  if (key == keys_.end()) return std::nullopt;

  // Whoever wrote this had the key; still, it must say what we say.
  fault = TokenFault::kMalformed;
  if (token.substr(0, first) != key->headers[static_cast<std::size_t>(use)]) {
    const auto header = decode_object(token.substr(0, first));
    if (!header || !says(*header, "alg", "HS256") || !says(*header, "typ", type_of(use)) ||
        !says(*header, "kid", key->id) || header->contains("crit")) {
      return std::nullopt;
    }
  }
  const auto claims = decode_object(token.substr(first + 1, last - first - 1));
  if (!claims || !says(*claims, "iss", settings_.issuer) ||
      !is_for(*claims, audience_of(use, settings_))) {
    return std::nullopt;
  }
  const json::string* subject = text_member(*claims, "sub");
  const json::string* session = text_member(*claims, "sid");
  const json::string* id = text_member(*claims, "jti");
  const auto issued = date_member(*claims, "iat");
  const auto expires = date_member(*claims, "exp");
  const auto not_before = date_member(*claims, "nbf");
  if (subject == nullptr || subject->empty() || session == nullptr || session->empty() || !issued ||
      !expires || (claims->contains("nbf") && !not_before)) {
    return std::nullopt;
  }
  const double now = seconds_now();
  if (*issued > now + kClockSkew) return std::nullopt;
  if (not_before && *not_before > now + kClockSkew) return std::nullopt;
  if (*expires <= now) {
    fault = TokenFault::kExpired;
    return std::nullopt;
  }
  Verified verified;
  verified.claims = {.subject = std::string(*subject),
                     .session_id = std::string(*session),
                     .token_id = id == nullptr ? std::string() : std::string(*id)};
  verified.expires = *expires;
  return verified;
}

std::vector<std::string> Tokens::derive(std::string_view purpose, std::string_view text) const {
  std::vector<std::string> values;
  for (const Key& key : keys_) {
    // A key for the purpose first, so that no text is taken for another purpose's.
    const Secret purpose_key(sign(key.secret.reveal(), "derive/" + std::string(purpose)));
    values.push_back(base64url_encode(sign(purpose_key.reveal(), text)));
  }
  return values;
}

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer";
  const auto skip_blanks = [&] {
    const std::size_t next = std::min(authorization.find_first_not_of(" \t"), authorization.size());
    authorization.remove_prefix(next);
    return next;
  };
  skip_blanks();
  if (!equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  if (skip_blanks() == 0 || authorization.empty()) return std::nullopt;
  authorization = authorization.substr(0, authorization.find_last_not_of(" \t") + 1);
  return authorization;
}

}  // namespace gesso::domain
