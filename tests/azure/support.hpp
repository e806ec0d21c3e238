// What the tests of credentials share.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "gesso/azure/credentials.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/client/scripted_client.hpp"
#include "tests/client/support.hpp"

namespace gesso::azure {

using client::error_of;
using client::kAtOnce;

inline Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

// A scripted client, a clock that stands at 2026-01-31T12:00:00Z (1769860800), randomness.
struct Scripted {
  client::ScriptedClient client;
  testing::FakeClock clock;
  testing::SeededRandom random{1};

  [[nodiscard]] CredentialIo io() { return {client, clock, random}; }
};

}  // namespace gesso::azure
