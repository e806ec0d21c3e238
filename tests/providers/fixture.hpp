// A generation, its model, and what a provider answers to it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>

#include "gesso/providers/provider.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "tests/client/scripted_client.hpp"

namespace gesso::providers {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ProviderFixture : public ::testing::Test {
 protected:
  client::ScriptedClient client_;
  testing::FakeClock clock_;
  models::Generation generation_{.id = "gen_7",
                                 .user_id = "user_ada",
                                 .prompt = "A \"lake\"",
                                 .created_at = Time{std::chrono::hours(1000)},
                                 .updated_at = {}};
  domain::ModelEntry model_;

  [[nodiscard]] Job job() const { return {.generation = generation_, .model = model_}; }
  // The last request that was sent.
  [[nodiscard]] client::ScriptedClient::Seen asked() const { return client_.requests().back(); }
  [[nodiscard]] std::size_t requests() const { return client_.requests().size(); }
};

// With the provider that asks.
template <class P>
class ProviderTest : public ProviderFixture {
 protected:
  P provider_;

  template <class Options>
  explicit ProviderTest(Options options) : provider_(std::move(options), client_, clock_) {}

  Answer begin_with(int status, const std::string& body,
                    client::ScriptedClient::Headers headers = {}) {
    client_.reply(status, body, std::move(headers));
    return provider_.begin(job(), {});
  }
};

// The answer as that kind; fails the test where it is another.
template <class T>
T as(const Answer& answer) {
  const T* found = std::get_if<T>(&answer);
  if (found != nullptr) return *found;
  ADD_FAILURE() << "an answer of another kind, number " << answer.index();
  if constexpr (std::is_same_v<T, Working>) {
    return Working{.id = "none"};
  } else {
    return T{};
  }
}

}  // namespace gesso::providers
