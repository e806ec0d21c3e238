// What is known of the secret that the database's connection string comes from: a value that the
// program hands to the handlers of /readyz and /metrics. It holds no secret.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "gesso/base/clock.hpp"

namespace gesso::api {

struct SecretState {
  bool connected = false;    // whether the database has ever accepted a secret
  bool healthy = false;      // whether the vault's latest version is in use
  std::string state;         // "ready", "waiting for the vault", ...
  std::string version = {};  // the version in use
  std::string problem = {};  // why it is not as it should be; empty where it is
  std::chrono::milliseconds age{0};
  std::chrono::milliseconds stale_for{0};  // how long the vault has not been readable
  std::optional<Time> last_read = {};
  std::uint64_t reads = 0;
  std::uint64_t read_failures = 0;
  std::uint64_t applies = 0;
  std::uint64_t refusals = 0;
  std::uint64_t rotations = 0;
  std::uint64_t renewals = 0;
};

// std::nullopt where the connection string comes from no vault. Thread-safe; does not block.
using AskSecretState = std::function<std::optional<SecretState>()>;

}  // namespace gesso::api
