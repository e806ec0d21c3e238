// What the tests of credentials share.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "gesso/azure/credentials.hpp"
#include "gesso/base/error.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/azure/scripted_client.hpp"

namespace gesso::azure {

inline Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

// Attempts as ever, without the waits.
inline constexpr RetryFsm::Options kAtOnce{.wait_min = std::chrono::milliseconds{0},
                                           .wait_max = std::chrono::milliseconds{0}};

// A scripted client, a clock that stands at 2026-01-31T12:00:00Z (1769860800), randomness.
struct Scripted {
  ScriptedClient client;
  testing::FakeClock clock;
  testing::SeededRandom random{1};

  [[nodiscard]] CredentialIo io() { return {client, clock, random}; }
};

// The Error that a call throws; the test fails where it throws none.
inline Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "expected an Error";
  return {ErrorKind::kInternal, "none was thrown"};
}

}  // namespace gesso::azure
