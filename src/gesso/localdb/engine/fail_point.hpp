// The fail point `failCommand`: makes commands fail on purpose, for tests of whoever talks to us.
// https://github.com/mongodb/mongo/wiki/The-%22failCommand%22-fail-point
//
// Thread-safe. Only a server with `test_commands` lets anybody configure it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/view.hpp"

namespace gesso::localdb {

class FailPoint {
 public:
  // What is to happen to one command, in this order.
  struct Action {
    std::chrono::milliseconds block{0};
    bool close_connection = false;
    std::optional<int> error_code = {};
    std::vector<std::string> error_labels = {};
    bson::Document write_concern_error = {};  // joined to the reply of a command that ran
  };

 private:
  struct Rule {
    std::int64_t skip = 0;
    std::optional<std::int64_t> times;  // nothing set: always
    std::vector<std::string> commands;
    std::string app_name;  // "" for every client
    Action action;
  };

  std::atomic<bool> armed_ = false;  // whether rule_ is set, to be asked without the lock
  std::mutex mutex_;                 // guards the two below
  std::optional<Rule> rule_;
  std::int64_t entered_ = 0;

 public:
  // Takes the body of configureFailPoint; how often the one before was entered. Throws
  // CommandError (2, 14, 40415).
  std::int64_t configure(bson::View body);

  [[nodiscard]] std::optional<Action> enter(std::string_view command, std::string_view app_name);
};

}  // namespace gesso::localdb
