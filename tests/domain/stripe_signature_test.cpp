#include "gesso/domain/stripe_signature.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;

class StripeSignatureTest : public ::testing::Test {
 protected:
  const Time now_ = *parse_iso8601("2026-01-31T12:00:00.900Z");
  const std::string body_ = R"({"id": "evt_1",  "object": "event"})";

  static std::vector<Secret> secrets(std::initializer_list<std::string_view> texts) {
    std::vector<Secret> made;
    for (const std::string_view text : texts) made.emplace_back(text);
    return made;
  }
  [[nodiscard]] std::string signed_with(std::initializer_list<std::string_view> texts) const {
    return sign_as_stripe(body_, secrets(texts), now_);
  }
  [[nodiscard]] SignatureVerdict verify(const std::string& header,
                                        std::initializer_list<std::string_view> texts = {
                                            "whsec_new"}) const {
    return verify_stripe_signature(header, body_, secrets(texts), now_);
  }
};

// printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
TEST_F(StripeSignatureTest, IsTheHmacOfTimeAndBodyUnderTheWholeSecret) {
  const auto header = sign_as_stripe("{}", secrets({"whsec_test"}), Time{1'700'000'000s});
  EXPECT_EQ(header,
            "t=1700000000,v1=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91");
}

TEST_F(StripeSignatureTest, AnyOfSeveralSignaturesByAnyOfSeveralSecretsIsGood) {
  EXPECT_EQ(verify(signed_with({"whsec_new"})), SignatureVerdict::kGood);
  EXPECT_EQ(verify(signed_with({"whsec_old", "whsec_new"})), SignatureVerdict::kGood);
  EXPECT_EQ(verify(signed_with({"whsec_old"}), {"whsec_new", "whsec_old"}),
            SignatureVerdict::kGood);
  EXPECT_EQ(verify(signed_with({"whsec_old"})), SignatureVerdict::kWrong);
}

TEST_F(StripeSignatureTest, WhatIsSignedIsTheBodyByteForByte) {
  const std::string header = signed_with({"whsec_new"});
  EXPECT_EQ(verify_stripe_signature(header, R"({"id":"evt_1","object":"event"})",
                                    secrets({"whsec_new"}), now_),
            SignatureVerdict::kWrong);
}

TEST_F(StripeSignatureTest, TheTimeIsSignedToo) {
  std::string header = signed_with({"whsec_new"});
  header.replace(header.find(",v1"), 0, "0");
  EXPECT_EQ(verify(header), SignatureVerdict::kWrong);
}

TEST_F(StripeSignatureTest, OtherSchemesCountForNothing) {
  std::string header = signed_with({"whsec_new"});
  header.replace(header.find("v1="), 3, "v0=");
  EXPECT_EQ(verify(header), SignatureVerdict::kMalformed);
  EXPECT_EQ(verify(header + ",v1=00"), SignatureVerdict::kWrong);
  EXPECT_EQ(verify(signed_with({"whsec_new"}) + ",v0=00,v2=11,what"), SignatureVerdict::kGood);
}

TEST_F(StripeSignatureTest, WhatIsNoSignatureIsMalformed) {
  for (const char* header : {"", "t=", "t=1", "t=now,v1=00", "v1=00", "t=1x,v1=00", ",,,", "=", "t",
                             "t=99999999999999999999,v1=00"}) {
    EXPECT_EQ(verify(header), SignatureVerdict::kMalformed) << header;
  }
}

TEST_F(StripeSignatureTest, IsGoodForFiveMinutesBothWays) {
  const auto at = [&](std::chrono::seconds seconds) {
    return verify(sign_as_stripe(body_, secrets({"whsec_new"}), now_ + seconds));
  };
  EXPECT_EQ(at(-300s), SignatureVerdict::kGood);
  EXPECT_EQ(at(-301s), SignatureVerdict::kTooOld);
  EXPECT_EQ(at(300s), SignatureVerdict::kGood);
  EXPECT_EQ(at(301s), SignatureVerdict::kTooNew);
}

TEST_F(StripeSignatureTest, OfAWrongOneNobodyLearnsWhetherItsTimeIsGood) {
  EXPECT_EQ(verify("t=1,v1=00"), SignatureVerdict::kWrong);
  const std::string latest = std::to_string(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(verify("t=" + latest + ",v1=00"), SignatureVerdict::kWrong);
}

TEST_F(StripeSignatureTest, WithoutASecretNothingIsGood) {
  EXPECT_EQ(verify(signed_with({""}), {}), SignatureVerdict::kWrong);
  EXPECT_EQ(verify(signed_with({"whsec_new"}), {}), SignatureVerdict::kWrong);
  EXPECT_EQ(verify(signed_with({""}), {""}), SignatureVerdict::kWrong);
}

}  // namespace
}  // namespace gesso::domain
