// The program's log: lines on stderr, by spdlog's default logger, which every room uses; and a line
// for each request. As text for people, or each line a JSON object for machines.
#pragma once

#include <string>
#include <string_view>

#include "gesso/api/recorder.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/cli/settings.hpp"

namespace gesso::cli {

void set_up_logging(const Settings& settings);

// What logs a line for each request, after `set_up_logging`.
[[nodiscard]] api::AccessLog access_log(const Settings& settings);

// One line each, without its end: {"time":"...","level":"info","message":"..."}
[[nodiscard]] std::string json_line(Time time, std::string_view level, std::string_view message);
// The same with what a request was: "request_id", "user_id", "operation", "method", "path",
// "status", "duration_us", "address"; null where there is none.
[[nodiscard]] std::string json_line(Time time, const api::Record& record);

}  // namespace gesso::cli
