#include "gesso/localdb/cosmos/texts.hpp"

namespace gesso::localdb::cosmos {

std::string backend_text(const BackendError& error) {
  std::string text = "Error=" + std::to_string(error.code);
  if (error.retry_after_ms) text += ", RetryAfterMs=" + std::to_string(*error.retry_after_ms);
  text += ", Details='Response status code does not indicate success: ";
  text += error.http;
  text += "; Substatus: " + std::to_string(error.substatus) + "; ActivityId: ";
  text += error.activity_id;
  text += "; Reason: (";
  text += error.pretty ? "{\r\n  \"Errors\": [\r\n    \"" : "{\"Errors\":[\"";
  text += error.error;
  text += error.pretty ? "\"\r\n  ]\r\n}" : "\"]}";
  text += ");'";
  return text;
}

}  // namespace gesso::localdb::cosmos
