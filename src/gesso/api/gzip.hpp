// gzip (RFC 1952) for what is sent often and never changes. Functions only; thread-safe; they take
// a few milliseconds a megabyte.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gesso::api {

[[nodiscard]] std::string gzip(std::string_view bytes);
// Throws Error (kInternal) for what `gzip` did not make.
[[nodiscard]] std::string gunzip(std::string_view compressed);

// Whether an `Accept-Encoding` takes gzip (RFC 9110, 12.5.3); without the field nothing is taken,
// though a server might send it then.
[[nodiscard]] bool accepts_gzip(std::optional<std::string_view> accept_encoding) noexcept;

}  // namespace gesso::api
