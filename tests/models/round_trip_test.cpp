// Whatever a model holds survives BSON and JSON: random values, edges more often than chance.
#include <gtest/gtest.h>

#include "gesso/bson/json.hpp"
#include "gesso/models/generation.hpp"
#include "gesso/models/rate_limit_log.hpp"
#include "gesso/models/subscription.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/models/user.hpp"
#include "gesso/models/webhook_event.hpp"
#include "gesso/schema/json.hpp"
#include "tests/models/random_value.hpp"

namespace gesso::models::testing {
namespace {

constexpr std::uint64_t kRounds = 100;

// `value` with what JSON never carries at its default.
template <class T>
T as_seen_in_json(T value) {
  const T defaults = schema::Access::make<T>();
  std::size_t i = 0;
  boost::mp11::mp_for_each<schema::Members<T>>([&](auto member) {
    using F = schema::detail::TypeOf<decltype(member)>;
    if (schema::kFieldsOf<T>[i++].is_internal() || !schema::InJson<F>) {
      value.*member.pointer = defaults.*member.pointer;
    }
  });
  return value;
}

template <class T>
class DocumentTest : public ::testing::Test {};

using Documents =
    ::testing::Types<User, Generation, Subscription, UsageLog, RateLimitLog, WebhookEvent>;
TYPED_TEST_SUITE(DocumentTest, Documents);

TYPED_TEST(DocumentTest, SurvivesBson) {
  for (std::uint64_t seed = 0; seed < kRounds; ++seed) {
    Dice dice(seed);
    const auto value = random_value<TypeParam>(dice);
    const bson::Document stored = schema::to_bson(value);
    EXPECT_TRUE(bson::View::validate(stored.view().bytes()));
    EXPECT_EQ(schema::from_bson<TypeParam>(stored), value)
        << "seed " << seed << ": " << bson::to_json(stored);
  }
}

TYPED_TEST(DocumentTest, SurvivesJson) {
  for (std::uint64_t seed = 0; seed < kRounds; ++seed) {
    Dice dice(seed);
    const auto value = random_value<TypeParam>(dice);
    const std::string text = schema::to_json(value);
    EXPECT_EQ(schema::from_json<TypeParam>(text), as_seen_in_json(value))
        << "seed " << seed << ": " << text;
  }
}

TYPED_TEST(DocumentTest, IsNotReadWhereARequiredFieldIsAbsent) {
  Dice dice(1);
  const bson::Document stored = schema::to_bson(random_value<TypeParam>(dice));
  std::vector<std::string> expected;
  std::size_t i = 0;
  boost::mp11::mp_for_each<schema::Members<TypeParam>>([&](auto member) {
    using F = schema::detail::TypeOf<decltype(member)>;
    const bool optional = schema::detail::is_optional<F>;
    if (!optional && !schema::kFieldsOf<TypeParam>[i].has_default()) {
      expected.emplace_back(schema::kBsonNames<TypeParam>[i]);
    }
    ++i;
  });
  std::vector<Violation> violations;
  EXPECT_FALSE(schema::decode<TypeParam>(bson::View(), schema::Format::kBson, violations));
  std::vector<std::string> missing;
  for (const Violation& violation : violations) {
    EXPECT_EQ(violation.type, "missing");
    missing.push_back(to_string(violation.path));
  }
  EXPECT_EQ(missing, expected);
  EXPECT_FALSE(expected.empty());
}

TYPED_TEST(DocumentTest, HasEveryFieldInItsSchemaDocument) {
  for (const schema::Field& field : schema::kFieldsOf<TypeParam>) {
    EXPECT_TRUE(field.about.ends_with('.')) << field.name << ": " << field.about;
  }
}

template <class T>
class RequestTest : public ::testing::Test {};

using Requests = ::testing::Types<UserUpdate, GenerationCreate, SubscriptionUpdate, UsageLogCreate>;
TYPED_TEST_SUITE(RequestTest, Requests);

// A request that was read is the same when it is written as BSON and read again: the way to which
// an update goes.
TYPED_TEST(RequestTest, SurvivesBson) {
  for (std::uint64_t seed = 0; seed < kRounds; ++seed) {
    Dice dice(seed);
    const auto value = random_value<TypeParam>(dice);
    EXPECT_EQ(schema::from_bson<TypeParam>(schema::to_bson(value)), value) << "seed " << seed;
  }
}

}  // namespace
}  // namespace gesso::models::testing
