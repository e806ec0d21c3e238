#pragma once

#include <string_view>

namespace gesso::cli {

[[nodiscard]] std::string_view version() noexcept;

}  // namespace gesso::cli
