// The program's log: lines on stderr, by spdlog's default logger, which every room uses.
#pragma once

#include "gesso/cli/settings.hpp"

namespace gesso::cli {

void set_up_logging(const Settings& settings);

}  // namespace gesso::cli
