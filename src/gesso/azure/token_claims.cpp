#include "gesso/azure/token_claims.hpp"

#include <optional>
#include <string_view>

#include "gesso/base/base64.hpp"
#include "gesso/client/wiped_json.hpp"

namespace gesso::azure {
namespace {

std::string claim(const Secret& token, std::string_view name) {
  std::string_view text = token.reveal();
  const std::size_t first = text.find('.');
  if (first == std::string_view::npos) return {};
  text = text.substr(first + 1);
  const std::optional<std::string> claims = base64url_decode(text.substr(0, text.find('.')));
  if (!claims) return {};
  const client::WipedJson document(*claims);
  if (document.root() == nullptr || !document.root()->is_object()) return {};
  const boost::json::value* value = document.root()->get_object().if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

}  // namespace

std::string token_tenant(const Secret& token) { return claim(token, "tid"); }

std::string token_object(const Secret& token) {
  std::string id = claim(token, "oid");
  const bool good =
      id.size() == 36 && id.find_first_not_of("0123456789abcdefABCDEF-") == std::string::npos;
  return good ? id : std::string();
}

}  // namespace gesso::azure
