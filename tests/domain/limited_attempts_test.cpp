#include "gesso/domain/limited_attempts.hpp"

#include <gtest/gtest.h>

#include "tests/repositories/fixture.hpp"

namespace gesso::domain {
namespace {

using namespace repositories;
using namespace std::chrono_literals;

QuotaList a_minute(std::int64_t limit) {
  QuotaList quotas;
  quotas.add({.name = kBurst, .limit = limit, .window = 1min});
  return quotas;
}

class LimitedAttemptsTest : public RepositoryTest {
 protected:
  LimitedAttempts limits_{
      context_,
      {.network = a_minute(2), .narrow = a_minute(2), .wide = a_minute(5), .codes = a_minute(3)}};

  bool may(std::string_view account, std::string_view network,
           Network familiarity = Network::kStrange, Attempt attempt = Attempt::kPassword) {
    return !run([&](mongo::Session& session) {
      return limits_.refuse(session, attempt, account, network, familiarity);
    });
  }
};

TEST_F(LimitedAttemptsTest, HoldsBackWhoTriesTooOftenFromOneNetwork) {
  EXPECT_TRUE(may("ada", "192.0.2.1"));
  EXPECT_TRUE(may("ada", "192.0.2.1"));
  EXPECT_FALSE(may("ada", "192.0.2.1"));
  EXPECT_TRUE(may("ada", "192.0.2.2"));
  EXPECT_TRUE(may("bob", "192.0.2.1"));
  EXPECT_TRUE(may("ada", "192.0.2.1", Network::kStrange, Attempt::kCode));
  clock_.advance(1min);
  EXPECT_TRUE(may("ada", "192.0.2.1"));
}

TEST_F(LimitedAttemptsTest, HoldsBackManyNetworksTogetherButNobodyFromAFamiliarOne) {
  int allowed = 0;
  for (int i = 0; i < 20; ++i) allowed += may("ada", "192.0.2." + std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(allowed, 5);
  EXPECT_TRUE(may("ada", "198.51.100.1", Network::kFamiliar));
  EXPECT_TRUE(may("ada", "198.51.100.1", Network::kFamiliar));
  EXPECT_FALSE(may("ada", "198.51.100.1", Network::kFamiliar));  // nor is that one unlimited
}

// Six digits are few: however many networks somebody guesses from, the account is what counts; and
// who guesses does not keep its user out, who comes from where he is logged in.
TEST_F(LimitedAttemptsTest, CodesAreCountedByAccount) {
  const auto enters = [&](const std::string& network, Network familiarity) {
    return may("ada", network, familiarity, Attempt::kCode);
  };
  int guesses = 0;
  for (int i = 0; i < 20; ++i) {
    guesses += enters("192.0.2." + std::to_string(i), Network::kStrange) ? 1 : 0;
  }
  EXPECT_EQ(guesses, 3);
  EXPECT_TRUE(may("bob", "192.0.2.1", Network::kStrange, Attempt::kCode));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(enters("198.51.100.1", Network::kFamiliar));
  EXPECT_FALSE(enters("198.51.100.1", Network::kFamiliar));
  EXPECT_TRUE(enters("198.51.100.2", Network::kFamiliar));
}

TEST_F(LimitedAttemptsTest, WithoutAnAccountTheNetworkAloneCounts) {
  EXPECT_TRUE(may("", "192.0.2.1", Network::kStrange, Attempt::kRegister));
  EXPECT_TRUE(may("", "192.0.2.1", Network::kStrange, Attempt::kRegister));
  EXPECT_FALSE(may("", "192.0.2.1", Network::kStrange, Attempt::kRegister));
  EXPECT_TRUE(may("", "192.0.2.2", Network::kStrange, Attempt::kRegister));
}

TEST_F(LimitedAttemptsTest, SaysHowLongToWait) {
  for (int i = 0; i < 2; ++i) (void)may("ada", "192.0.2.1");
  const auto wait = run([&](mongo::Session& session) {
    return limits_.refuse(session, Attempt::kPassword, "ada", "192.0.2.1", Network::kStrange);
  });
  ASSERT_TRUE(wait);
  EXPECT_GT(*wait, 0s);
  EXPECT_LE(*wait, 60s);
}

}  // namespace
}  // namespace gesso::domain
