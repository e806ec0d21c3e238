#include "gesso/azure/token_claims.hpp"

#include <optional>
#include <string_view>

#include "gesso/azure/wiped_json.hpp"
#include "gesso/base/base64url.hpp"

namespace gesso::azure {

std::string token_tenant(const Secret& token) {
  std::string_view text = token.reveal();
  const std::size_t first = text.find('.');
  if (first == std::string_view::npos) return {};
  text = text.substr(first + 1);
  const std::optional<std::string> claims = base64url_decode(text.substr(0, text.find('.')));
  if (!claims) return {};
  const WipedJson document(*claims);
  if (document.root() == nullptr || !document.root()->is_object()) return {};
  const boost::json::value* tenant = document.root()->get_object().if_contains("tid");
  if (tenant == nullptr || !tenant->is_string()) return {};
  return {tenant->get_string().data(), tenant->get_string().size()};
}

}  // namespace gesso::azure
