#include "gesso/domain/totp.hpp"

#include <gtest/gtest.h>

#include <set>

#include "gesso/testing/seeded_random.hpp"

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;
using models::Totp;

// "12345678901234567890" in base32: the secret of the RFCs' examples.
constexpr const char* kSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

Time at(std::int64_t seconds) { return Time{std::chrono::seconds{seconds}}; }

bool takes(Totp& totp, std::string_view code, Time now) {
  return take_totp_code(totp, kSecret, code, now);
}

std::string code_at(Time time) {
  return hotp("12345678901234567890",
              static_cast<std::uint64_t>(time.time_since_epoch() / std::chrono::seconds{30}));
}

TEST(HotpTest, GivesTheValuesOfRfc4226) {  // appendix D
  const char* const kCodes[] = {"755224", "287082", "359152", "969429", "338314",
                                "254676", "287922", "162583", "399871", "520489"};
  for (std::uint64_t counter = 0; counter < std::size(kCodes); ++counter) {
    EXPECT_EQ(hotp("12345678901234567890", counter), kCodes[counter]);
  }
}

TEST(TotpTest, TakesTheCodesOfRfc6238) {  // appendix B, the last six of eight digits
  const std::pair<std::int64_t, const char*> kCodes[] = {
      {59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
      {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
  for (const auto& [seconds, code] : kCodes) {
    Totp totp{.secret = "stored"};
    EXPECT_TRUE(takes(totp, code, at(seconds))) << seconds;
  }
}

TEST(TotpTest, TakesTheStepBeforeAndTheOneAfterForClocksThatDiffer) {
  const Time now = at(1'000'000'010);
  for (const auto& [offset, taken] :
       {std::pair{-60s, false}, {-30s, true}, {0s, true}, {30s, true}, {60s, false}}) {
    Totp totp{.secret = "stored"};
    EXPECT_EQ(takes(totp, code_at(now + offset), now), taken) << offset.count();
  }
}

TEST(TotpTest, TakesACodeOnce) {
  const Time now = at(1'000'000'010);
  Totp totp{.secret = "stored"};
  EXPECT_TRUE(takes(totp, code_at(now), now));
  EXPECT_FALSE(takes(totp, code_at(now), now));
  EXPECT_FALSE(takes(totp, code_at(now), now + 20s));
  EXPECT_FALSE(takes(totp, code_at(now - 30s), now));  // nor one from before it
  EXPECT_TRUE(takes(totp, code_at(now + 30s), now));
}

TEST(TotpTest, TakesBlanksAndNothingElse) {
  const Time now = at(1'000'000'010);
  const std::string code = code_at(now);
  for (const std::string& bad :
       {std::string(), code.substr(1), code + "0", std::string("abcdef"), "0" + code}) {
    Totp totp{.secret = "stored"};
    EXPECT_FALSE(takes(totp, bad, now)) << bad;
    EXPECT_EQ(totp.last_used_step, 0);
  }
  Totp totp{.secret = "stored"};
  EXPECT_TRUE(takes(totp, " " + code.substr(0, 3) + " " + code.substr(3), now));
}

TEST(TotpTest, MakesSecretsThatPeopleCanType) {
  testing::SeededRandom random;
  const std::string secret = random_totp_secret(random);
  EXPECT_EQ(secret.size(), 32U);
  EXPECT_EQ(secret.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), std::string::npos);
  Totp totp{.secret = "stored"};
  EXPECT_FALSE(take_totp_code(totp, secret, "", at(1)));  // it reads as base32
  EXPECT_EQ(totp_uri("ABC", "ada@example.com", "My Shop"),
            "otpauth://totp/My%20Shop:ada%40example.com?secret=ABC&issuer=My%20Shop");
}

TEST(RecoveryCodesTest, AreTakenOnceEach) {
  testing::SeededRandom random;
  const std::vector<std::string> codes = random_recovery_codes(random);
  ASSERT_EQ(codes.size(), kRecoveryCodes);
  EXPECT_EQ(std::set<std::string>(codes.begin(), codes.end()).size(), kRecoveryCodes);
  std::vector<models::TokenHash> stored;
  for (const std::string& code : codes) stored.push_back(hash_recovery_code(code));
  EXPECT_EQ(codes[0].size(), 27U);  // 120 bits: four groups of six
  EXPECT_FALSE(take_recovery_code(stored, "abcdef-abcdef-abcdef-abcdef"));
  EXPECT_TRUE(take_recovery_code(stored, codes[3]));
  EXPECT_FALSE(take_recovery_code(stored, codes[3]));
  std::string typed;  // as people type
  for (const char c : codes[5]) {
    if (c != '-') typed += static_cast<char>(std::toupper(c));
  }
  EXPECT_TRUE(take_recovery_code(stored, typed.substr(0, 12) + "  " + typed.substr(12)));
  EXPECT_EQ(stored.size(), kRecoveryCodes - 2);
}

}  // namespace
}  // namespace gesso::domain
