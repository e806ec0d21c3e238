// Runs another program and takes what it prints.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "gesso/base/secret.hpp"
#include "gesso/client/call.hpp"

namespace gesso::azure {

struct ProcessResult {
  int exit_code = 0;  // 128 + N where signal N ended it, as shells count
  Secret out;
  std::string err;
};

// Runs `arguments[0]`, looked for in PATH where it holds no slash, without a shell, with this
// process's environment and an empty standard input. std::nullopt where there is no such program.
// Blocks until it has ended and been waited for. It and what it started are killed at once when the
// call ends (throws as `check`), when `limit` is over (Error kTimeout) and when it has printed more
// than 1 MiB (Error kInternal). Throws Error kInternal where the system lets no process start.
[[nodiscard]] std::optional<ProcessResult> run_process(const std::vector<std::string>& arguments,
                                                       std::chrono::milliseconds limit,
                                                       const client::Call& call);

}  // namespace gesso::azure
