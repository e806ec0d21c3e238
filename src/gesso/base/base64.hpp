// base64 with padding and base64url without (RFC 4648, sections 4 and 5). Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gesso {

[[nodiscard]] std::string base64_encode(std::string_view bytes);
[[nodiscard]] std::string base64url_encode(std::string_view bytes);
// std::nullopt for every text but the one that some bytes are written as: other characters, blanks,
// padding that is missing (base64) or stands (base64url), bits left over.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);
[[nodiscard]] std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace gesso
