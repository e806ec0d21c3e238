// What a provider sent and nobody can read. A value type.
#pragma once

#include <string>

namespace gesso::domain {

struct MalformedEvent {
  std::string why;  // for the log; quotes nothing of the body
};

}  // namespace gesso::domain
