// Where a call came from, as far as is known. A value.
#pragma once

#include <string>

namespace gesso::domain {

struct ClientInfo {
  std::string address = {};
  std::string user_agent = {};
};

}  // namespace gesso::domain
