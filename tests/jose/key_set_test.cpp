#include "gesso/jose/key_set.hpp"

#include <gtest/gtest.h>

#include "gesso/base/base64.hpp"
#include "gesso/testing/token_signer.hpp"

namespace gesso::jose {
namespace {

namespace json = boost::json;
using Signer = gesso::testing::TokenSigner;

constexpr Algorithm kRs256 = Algorithm::kRs256;
constexpr Algorithm kEs256 = Algorithm::kEs256;

std::size_t keys_of(const json::array& keys) {
  const auto set = KeySet::read(json::serialize(json::object{{"keys", keys}}));
  return set ? set->size() : 999;
}

json::object with(std::string_view name, json::value value) {
  json::object jwk = Signer::first().jwk();
  jwk[name] = std::move(value);
  return jwk;
}

json::value number(std::string bytes) { return json::value(json::string(base64url_encode(bytes))); }

TEST(KeySet, FindsAKeyByItsId) {
  const auto set = KeySet::read(json::serialize(
      json::object{{"keys", json::array{Signer::first().jwk(), Signer::second().jwk()}}}));
  ASSERT_TRUE(set);
  ASSERT_EQ(set->size(), 2U);
  const std::string signature = Signer::second().sign("text");
  EXPECT_TRUE(set->find("second", kRs256)->verifies("text", signature));
  EXPECT_FALSE(set->find("second", kRs256)->verifies("another", signature));
  EXPECT_FALSE(set->find("first", kRs256)->verifies("text", signature));
  EXPECT_EQ(set->find("third", kRs256), nullptr);
  EXPECT_EQ(set->find("", kRs256), nullptr) << "which of the two is not said";
  const auto one = KeySet::read(Signer::first().jwks());
  EXPECT_NE(one->find("", kRs256), nullptr) << "the only one there is";
}

TEST(KeySet, HasKeysOfTwoAlgorithmsOfWhichATokenChoosesNone) {
  const Signer curve = Signer::es256("curve");
  const auto set = KeySet::read(
      json::serialize(json::object{{"keys", json::array{Signer::first().jwk(), curve.jwk()}}}));
  ASSERT_EQ(set->size(), 2U);
  const std::string signature = curve.sign("text");
  EXPECT_EQ(signature.size(), 64U);
  EXPECT_TRUE(set->find("curve", kEs256)->verifies("text", signature));
  EXPECT_FALSE(set->find("curve", kEs256)->verifies("another", signature));
  EXPECT_FALSE(set->find("curve", kEs256)->verifies("text", signature + signature));
  EXPECT_FALSE(set->find("curve", kEs256)->verifies("text", ""));
  EXPECT_FALSE(set->find("curve", kEs256)->verifies("text", std::string(64, '\0')));
  EXPECT_EQ(set->find("curve", kRs256), nullptr);
  EXPECT_EQ(set->find("first", kEs256), nullptr);
  EXPECT_EQ(set->find("", kEs256), set->find("curve", kEs256)) << "the only one for it";
}

TEST(KeySet, PassesOverCurvesOfNoUse) {
  const json::object good = Signer::es256("curve").jwk();
  EXPECT_EQ(keys_of({good}), 1U);
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, json::value>>{
           {"crv", "P-384"},
           {"crv", nullptr},
           {"alg", "RS256"},
           {"use", "enc"},
           {"x", ""},
           {"x", good.at("y")},  // not on the curve
           {"y", 5},
           {"y", number(std::string(31, 'a'))}}) {
    json::object jwk = good;
    jwk[name] = value;
    EXPECT_EQ(keys_of({jwk}), 0U) << json::serialize(jwk);
  }
}

TEST(KeySet, PassesOverKeysThatAreOfNoUse) {
  EXPECT_EQ(keys_of({Signer::first().jwk()}), 1U);
  for (const json::object& jwk :
       {with("kty", "EC"), with("kty", nullptr), with("use", "enc"), with("use", 1),
        with("alg", "RS512"), with("alg", "none"), with("n", ""), with("n", "!"), with("n", 5),
        with("n", number(std::string(255, '\xFF'))),                   // short of 2048 bits
        with("n", number(std::string(256, '\xFE'))),                   // even
        with("n", number(std::string(1100, '\xFF'))),                  // past 8192 bits
        with("n", number(std::string(75'000, 'A'))), with("e", "AQ"),  // 1
        with("e", "Ag"),                                               // 2
        with("e", number(std::string(9, '\xFF'))),                     // slow on purpose
        with("e", ""), json::object{}, Signer("small", 1024).jwk()}) {
    EXPECT_EQ(keys_of({jwk}), 0U) << json::serialize(jwk).substr(0, 100);
  }
  EXPECT_EQ(keys_of({1, nullptr, json::array{}, Signer::first().jwk()}), 1U);
  json::object plain = Signer::first().jwk();
  plain.erase("use");
  plain.erase("alg");
  EXPECT_EQ(keys_of({plain}), 1U) << "both are optional";
}

TEST(KeySet, HoldsAtMostSixtyFourKeys) {
  const json::array many(100, Signer::first().jwk());
  EXPECT_EQ(keys_of(many), KeySet::kMaxKeys);
}

TEST(KeySet, IsNothingElse) {
  for (const char* text : {"", "[]", "{}", "null", "{\"keys\":{}}", "{\"keys\":[}", "<html>"}) {
    EXPECT_FALSE(KeySet::read(text)) << text;
  }
  EXPECT_EQ(KeySet::read(R"({"keys":[]})")->size(), 0U);
}

}  // namespace
}  // namespace gesso::jose
