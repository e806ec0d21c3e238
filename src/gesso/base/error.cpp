#include "gesso/base/error.hpp"

namespace gesso {

std::string_view to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kValidation:
      return "validation";
    case ErrorKind::kDuplicate:
      return "duplicate";
    case ErrorKind::kConflict:
      return "conflict";
    case ErrorKind::kThrottled:
      return "throttled";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kTimeout:
      return "timeout";
    case ErrorKind::kOverloaded:
      return "overloaded";
    case ErrorKind::kAuth:
      return "auth";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "internal";
}

std::string to_string(const Path& path) {
  std::string text;
  for (const PathStep& step : path) {
    if (!text.empty()) text += '.';
    if (const auto* name = std::get_if<std::string>(&step)) {
      text += *name;
    } else {
      text += std::to_string(std::get<std::size_t>(step));
    }
  }
  return text;
}

Error::Error(ErrorKind kind, const std::string& message)
    : std::runtime_error(message), kind_(kind) {}

Error::Error(ErrorKind kind, const std::string& message, Details details)
    : std::runtime_error(message), kind_(kind), details_(std::move(details)) {}

Error validation_error(std::vector<Violation> violations) {
  std::string message;
  for (const Violation& violation : violations) {
    if (!message.empty()) message += "; ";
    const std::string path = to_string(violation.path);
    if (!path.empty()) message += path + ": ";
    message += "expected " + violation.expected + ", found " + violation.found;
  }
  Error::Details details;
  details.violations = std::move(violations);
  return Error(ErrorKind::kValidation, message, std::move(details));
}

}  // namespace gesso
