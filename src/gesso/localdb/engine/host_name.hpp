// The name of this machine, as replies show it.
#pragma once

#include <string>

namespace gesso::localdb {

[[nodiscard]] std::string host_name();

}  // namespace gesso::localdb
