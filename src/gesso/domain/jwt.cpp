#include "gesso/domain/jwt.hpp"

#include <boost/json.hpp>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"

namespace gesso::domain {
namespace {

namespace json = boost::json;

// Clocks of two machines that issue and verify differ a little.
constexpr std::chrono::seconds kClockSkew{60};

std::optional<json::object> decode_object(std::string_view segment) {
  const auto text = base64url_decode(segment);
  if (!text) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(*text, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::optional<std::int64_t> integer_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->get_int64();
}

std::int64_t seconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
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

Tokens::Tokens(Secret key, std::chrono::seconds lifetime, const Clock& clock)
    : key_(std::move(key)), lifetime_(lifetime), clock_(clock) {
  if (key_.reveal().size() < kMinKeyBytes) {
    throw Error(ErrorKind::kValidation, "the key of access tokens must have at least " +
                                            std::to_string(kMinKeyBytes) + " bytes");
  }
}

std::string sign(std::string_view key, std::string_view signing_input) {
  return std::string(as_text(hmac_sha256(key, signing_input)));
}

std::string Tokens::issue(std::string_view subject) const {
  const std::int64_t now = seconds(clock_.now());
  json::object claims;
  claims["sub"] = json::string_view(subject);
  claims["iat"] = now;
  claims["exp"] = now + lifetime_.count();
  static const std::string kHeader = base64url_encode(R"({"alg":"HS256","typ":"JWT"})");
  const std::string input = kHeader + "." + base64url_encode(json::serialize(claims));
  return input + "." + base64url_encode(sign(key_.reveal(), input));
}

std::optional<std::string> Tokens::verify(std::string_view token, TokenFault& fault) const {
  fault = TokenFault::kMalformed;
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (token.size() > kMaxTokenBytes || first == last || token.find('.', first + 1) != last) {
    return std::nullopt;
  }
  const auto signature = base64url_decode(token.substr(last + 1));
  if (!signature) return std::nullopt;
  fault = TokenFault::kSignature;
  if (!constant_time_equal(sign(key_.reveal(), token.substr(0, last)), *signature))
    return std::nullopt;

  // Whoever wrote this had the key; still, it must say what we say.
  fault = TokenFault::kMalformed;
  const auto header = decode_object(token.substr(0, first));
  const auto claims = decode_object(token.substr(first + 1, last - first - 1));
  if (!header || !claims) return std::nullopt;
  const json::value* algorithm = header->if_contains("alg");
  if (algorithm == nullptr || *algorithm != "HS256" || header->contains("crit")) {
    return std::nullopt;
  }
  const json::value* subject = claims->if_contains("sub");
  const auto issued = integer_member(*claims, "iat");
  const auto expires = integer_member(*claims, "exp");
  const auto not_before = integer_member(*claims, "nbf");
  if (subject == nullptr || !subject->is_string() || subject->get_string().empty() || !issued ||
      !expires || (claims->contains("nbf") && !not_before)) {
    return std::nullopt;
  }
  const std::int64_t now = seconds(clock_.now());
  if (*issued > now + kClockSkew.count()) return std::nullopt;
  if (not_before && *not_before > now + kClockSkew.count()) return std::nullopt;
  if (*expires <= now) {
    fault = TokenFault::kExpired;
    return std::nullopt;
  }
  return std::string(subject->get_string());
}

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return std::nullopt;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != kScheme[i]) return std::nullopt;
  }
  return authorization.substr(kScheme.size());
}

}  // namespace gesso::domain
