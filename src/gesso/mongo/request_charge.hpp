// What commands cost on a server that counts request units, as `getLastRequestStatistics` tells it.
//
// Values; whoever holds one owns it.
// (https://learn.microsoft.com/azure/cosmos-db/mongodb/find-request-unit-charge)
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

#include "gesso/bson/view.hpp"

namespace gesso::mongo {

// Of one command.
struct CommandCharge {
  std::string_view operation = {};   // "find", "insert", ...
  std::string_view collection = {};  // empty for commands of none
  double request_units = 0;
  // The service itself waited for capacity (server-side retry).
  std::chrono::milliseconds delayed{0};
  // How many commands this one stands for, where only some are asked about.
  double weight = 1;
};

// Told of each charge on the worker's thread. Must not block.
using ChargeObserver = std::function<void(const CommandCharge&)>;

// Of a unit of work, or of several.
struct RequestCharge {
  double request_units = 0;
  std::size_t commands = 0;  // so many were asked about
  std::chrono::milliseconds delayed{0};
};

// What a reply to getLastRequestStatistics says; std::nullopt where it is none.
[[nodiscard]] std::optional<CommandCharge> read_charge(bson::View reply);

}  // namespace gesso::mongo
