#include "gesso/cli/version.hpp"

namespace gesso::cli {

std::string_view version() noexcept { return GESSO_VERSION; }

}  // namespace gesso::cli
