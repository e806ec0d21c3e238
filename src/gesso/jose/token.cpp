#include "gesso/jose/token.hpp"

#include <boost/json.hpp>
#include <cmath>

#include "gesso/base/base64.hpp"

namespace gesso::jose {
namespace {

namespace json = boost::json;

std::optional<json::object> read_object(std::string_view base64url) {
  const auto text = base64url_decode(base64url);
  if (!text) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(*text, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

// The member, where it is a string; "" where it is not.
std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(std::string_view(value->get_string()));
}

std::vector<std::string> texts_of(const json::object& object, std::string_view name) {
  std::vector<std::string> texts;
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return texts;
  if (value->is_string()) texts.push_back(text_of(object, name));
  if (!value->is_array()) return texts;
  for (const json::value& one : value->get_array()) {
    if (one.is_string()) texts.emplace_back(std::string_view(one.get_string()));
  }
  return texts;
}

// A NumericDate (RFC 7519, section 2): seconds, perhaps with a fraction. False where it is none.
bool read_time(const json::object& object, std::string_view name, std::optional<Time>& out) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return true;
  constexpr double kMost = 253'402'300'799;  // the end of the year 9999
  const double seconds = value->is_number() ? value->to_number<double>() : -1;
  if (!(seconds >= 0 && seconds <= kMost)) return false;
  out = Time(std::chrono::milliseconds(static_cast<std::int64_t>(std::floor(seconds * 1000))));
  return true;
}

}  // namespace

std::variant<TokenParts, Malformed> split_token(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (first == std::string_view::npos || first == last || token.find('.', first + 1) != last) {
    return Malformed::kNotThreeParts;
  }
  const auto header = read_object(token.substr(0, first));
  auto signature = base64url_decode(token.substr(last + 1));
  if (!header || !signature) return Malformed::kEncoding;
  if (header->contains("crit")) return Malformed::kExtension;
  return TokenParts{.algorithm = text_of(*header, "alg"),
                    .key_id = text_of(*header, "kid"),
                    .signing_input = token.substr(0, last),
                    .signature = std::move(*signature),
                    .claims = token.substr(first + 1, last - first - 1)};
}

std::optional<Claims> read_claims(std::string_view base64url) {
  const auto object = read_object(base64url);
  if (!object) return std::nullopt;
  Claims claims{.issuer = text_of(*object, "iss"),
                .audiences = texts_of(*object, "aud"),
                .subject = text_of(*object, "sub"),
                .object_id = text_of(*object, "oid"),
                .expires = {},
                .not_before = {}};
  if (!read_time(*object, "exp", claims.expires)) return std::nullopt;
  if (!read_time(*object, "nbf", claims.not_before)) return std::nullopt;
  return claims;
}

}  // namespace gesso::jose
