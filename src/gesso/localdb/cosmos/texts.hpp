// The texts of refusals, as accounts of server version 3.6 and later word them.
//
// Pure. Sources, and which texts are not known: docs/COSMOS_EMULATOR.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gesso::localdb::cosmos {

struct BackendError {
  int code = 2;
  std::optional<std::int64_t> retry_after_ms = {};
  std::string_view http = "BadRequest (400)";
  int substatus = 0;
  std::string_view activity_id;
  std::string_view error;  // the one of "Errors"
  bool pretty = false;     // the JSON in lines of its own
};
// Error=2, Details='Response status code does not indicate success: BadRequest (400); ...
[[nodiscard]] std::string backend_text(const BackendError& error);

}  // namespace gesso::localdb::cosmos
