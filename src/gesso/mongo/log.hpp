// A line that the driver logs, as the service hands it on.
#pragma once

#include <string>

namespace gesso::mongo {

enum class LogLevel { kError, kWarning, kInfo, kDebug };

struct LogLine {
  LogLevel level = LogLevel::kInfo;
  std::string domain;  // the driver's part: "cluster", "uri", ...
  std::string message;
};

}  // namespace gesso::mongo
