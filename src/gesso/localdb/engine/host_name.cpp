#include "gesso/localdb/engine/host_name.hpp"

#include <unistd.h>

#include <array>

namespace gesso::localdb {

std::string host_name() {
  std::array<char, 256> name{};
  (void)::gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace gesso::localdb
