// What reading settings and showing them share. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gesso::cli {

// Of the variable of every setting.
inline constexpr std::string_view kEnvironmentPrefix = "GESSO_";

// All of the text as a number in decimals; std::nullopt for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);

}  // namespace gesso::cli
