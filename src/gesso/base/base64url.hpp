// base64url without padding (RFC 4648, section 5). Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gesso {

[[nodiscard]] std::string base64url_encode(std::string_view bytes);
// std::nullopt for any other character, padding and blanks too, and for a text that no bytes are
// written as.
[[nodiscard]] std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace gesso
