#include "gesso/domain/replicate_signature.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kNew = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view kOld = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

class ReplicateSignatureTest : public ::testing::Test {
 protected:
  const Time now_{1'614'265'330s};
  const std::string body_ = R"({"test": 2432232314})";
  const std::string id_ = "msg_p5jXN8AQM9LWM0D4loKWxJek";
  std::string timestamp_ = "1614265330";

  static std::vector<Secret> secrets(std::initializer_list<std::string_view> texts) {
    std::vector<Secret> made;
    for (const std::string_view text : texts) made.emplace_back(text);
    return made;
  }
  [[nodiscard]] std::string signed_with(std::initializer_list<std::string_view> texts) const {
    return sign_as_replicate(id_, timestamp_, body_, secrets(texts));
  }
  [[nodiscard]] SignatureVerdict verify(const std::string& signature,
                                        std::initializer_list<std::string_view> texts = {kNew},
                                        Time now = Time{1'614'265'330s}) const {
    return verify_replicate_signature({id_, timestamp_, signature}, body_, secrets(texts), now);
  }
};

// The example of Svix's documentation (docs.svix.com/receiving/verifying-payloads/how-manual).
TEST_F(ReplicateSignatureTest, IsTheHmacOfIdTimeAndBodyUnderTheDecodedSecret) {
  EXPECT_EQ(signed_with({kNew}), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_EQ(verify("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="), SignatureVerdict::kGood);
}

TEST_F(ReplicateSignatureTest, AnyOfSeveralSignaturesByAnyOfSeveralSecretsIsGood) {
  EXPECT_EQ(verify(signed_with({kOld, kNew})), SignatureVerdict::kGood);
  EXPECT_EQ(verify(signed_with({kOld}), {kNew, kOld}), SignatureVerdict::kGood);
  EXPECT_EQ(verify(signed_with({kOld})), SignatureVerdict::kWrong);
  EXPECT_EQ(verify("v1a,xyz v2,abc  " + signed_with({kNew})), SignatureVerdict::kGood);
}

TEST_F(ReplicateSignatureTest, IdTimeAndBodyAreSigned) {
  const std::string good = signed_with({kNew});
  const auto keys = secrets({kNew});
  const auto with = [&](const ReplicateHeaders& headers, std::string_view body) {
    return verify_replicate_signature(headers, body, keys, now_);
  };
  EXPECT_EQ(with({id_, timestamp_, good}, body_), SignatureVerdict::kGood);
  EXPECT_EQ(with({"msg_other", timestamp_, good}, body_), SignatureVerdict::kWrong);
  EXPECT_EQ(with({id_, "1614265331", good}, body_), SignatureVerdict::kWrong);
  EXPECT_EQ(with({id_, timestamp_, good}, body_ + " "), SignatureVerdict::kWrong);
  EXPECT_EQ(with({id_, timestamp_, good.substr(0, good.size() - 1)}, body_),
            SignatureVerdict::kWrong);
}

TEST_F(ReplicateSignatureTest, ATimeThatIsFarAwayIsRefusedBothWays) {
  const std::string good = signed_with({kNew});
  EXPECT_EQ(verify(good, {kNew}, now_ + 300s), SignatureVerdict::kGood);
  EXPECT_EQ(verify(good, {kNew}, now_ + 301s), SignatureVerdict::kTooOld);
  EXPECT_EQ(verify(good, {kNew}, now_ - 300s), SignatureVerdict::kGood);
  EXPECT_EQ(verify(good, {kNew}, now_ - 301s), SignatureVerdict::kTooNew);
}

TEST_F(ReplicateSignatureTest, WhatIsNoSignatureIsMalformed) {
  const std::string good = signed_with({kNew});
  const auto keys = secrets({kNew});
  const auto with = [&](const ReplicateHeaders& headers) {
    return verify_replicate_signature(headers, body_, keys, now_);
  };
  EXPECT_EQ(with({}), SignatureVerdict::kMalformed);
  EXPECT_EQ(with({"", timestamp_, good}), SignatureVerdict::kMalformed);
  EXPECT_EQ(with({id_, "", good}), SignatureVerdict::kMalformed);
  EXPECT_EQ(with({id_, "soon", good}), SignatureVerdict::kMalformed);
  EXPECT_EQ(with({id_, timestamp_, "v2,AAAA"}), SignatureVerdict::kMalformed);
  EXPECT_EQ(with({id_, timestamp_, "v1,"}), SignatureVerdict::kWrong);
}

TEST_F(ReplicateSignatureTest, WithoutASecretNothingIsGood) {
  const std::string good = signed_with({kNew});
  EXPECT_EQ(verify(good, {}), SignatureVerdict::kWrong);
  for (const std::string_view bad :
       {"", "whsec_", "whsec_!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}) {
    EXPECT_FALSE(is_replicate_secret(bad)) << bad;
    EXPECT_EQ(verify(good, {bad}), SignatureVerdict::kWrong) << bad;
    // Not even what the empty key signs.
    EXPECT_EQ(verify(sign_as_replicate(id_, timestamp_, body_, secrets({bad})), {bad}),
              SignatureVerdict::kMalformed);
  }
  EXPECT_TRUE(is_replicate_secret(kNew));
  EXPECT_TRUE(is_replicate_secret("whsec_AAAA"));
  EXPECT_TRUE(is_replicate_secret("whsec_AAA"));  // without its padding
}

}  // namespace
}  // namespace gesso::domain
