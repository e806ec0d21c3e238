// The constrained types on their own: Text, Integer, Number, Id.
#include <gtest/gtest.h>

#include <limits>

#include "gesso/base/clock.hpp"
#include "gesso/schema/id.hpp"
#include "gesso/schema/number.hpp"
#include "gesso/schema/text.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"

namespace gesso::schema {
namespace {

template <class F>
Violation refusal(F make) {
  try {
    make();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    EXPECT_EQ(error.violations().size(), 1U);
    return error.violations().front();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

TEST(TextTest, CountsCodePointsNotBytes) {
  const std::string four =
      "\xF0\x9F\x8E\xA8\xC3\xA9\xE2\x82\xAC"
      "a";  // 1 + 1 + 1 + 1 in 10 bytes
  EXPECT_EQ((Text<4, 4>(four).str()), four);
  const Violation violation = refusal([&] { (void)Text<1, 3>(four); });
  EXPECT_EQ(violation.type, "string_too_long");
  EXPECT_EQ(violation.message, "String should have at most 3 characters");
  EXPECT_EQ(violation.expected, "string of 1 to 3 characters");
  EXPECT_EQ(violation.found, "string of 4 characters");
}

TEST(TextTest, RefusesTheEmptyTextWhereOneCharacterIsAsked) {
  const Violation violation = refusal([] { (void)Text<1, 3>(""); });
  EXPECT_EQ(violation.type, "string_too_short");
  EXPECT_EQ(violation.message, "String should have at least 1 character");
  EXPECT_EQ((Text<0, 3>("").str()), "");
}

TEST(TextTest, TakesBothBounds) {
  EXPECT_EQ((Text<1, 2000>(std::string(2000, 'x')).str().size()), 2000U);
  EXPECT_THROW((Text<1, 2000>(std::string(2001, 'x'))), Error);
}

TEST(TextTest, RefusesWhatIsNotUtf8) {
  for (const char* text : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "a\xC3",
                           "\xE2\x82", "\x80", "\xF4\x90\x80\x80"}) {
    EXPECT_EQ(refusal([&] { (void)Text<0, 9>(text); }).type, "string_unicode");
  }
}

TEST(TextTest, ComparesWithText) {
  const Text<1, 9> text = "blue";
  EXPECT_TRUE(text == "blue");
  EXPECT_TRUE(text == std::string("blue"));
  EXPECT_FALSE(text == (Text<1, 9>("red")));
  const std::optional<Text<1, 9>> maybe = "blue";
  EXPECT_TRUE(maybe == "blue");
}

TEST(Utf8Test, CutsBetweenCodePoints) {
  EXPECT_EQ(utf8_prefix("a\xC3\xA9z", 2), "a");
  EXPECT_EQ(utf8_prefix("a\xC3\xA9z", 3), "a\xC3\xA9");
  EXPECT_EQ(utf8_prefix("abc", 9), "abc");
}

TEST(IntegerTest, SaysWhichBoundIsBroken) {
  const Violation low = refusal([] { (void)Integer<1, 4>(0); });
  EXPECT_EQ(low.type, "greater_than_equal");
  EXPECT_EQ(low.message, "Input should be greater than or equal to 1");
  EXPECT_EQ(low.expected, "integer from 1 to 4");
  const Violation high = refusal([] { (void)Integer<1, 4>(5); });
  EXPECT_EQ(high.type, "less_than_equal");
  EXPECT_EQ(high.message, "Input should be less than or equal to 4");
  EXPECT_EQ(high.found, "5");
}

TEST(IntegerTest, IsANumberToItsUser) {
  NonNegative credits = 10;
  credits = credits - 3;
  EXPECT_EQ(credits, 7);
  EXPECT_THROW(credits = credits - 8, Error);
  EXPECT_EQ(credits, 7);
  EXPECT_EQ(NonNegative(std::numeric_limits<std::int64_t>::max()).value(),
            std::numeric_limits<std::int64_t>::max());
}

TEST(IntegerTest, DoesNotLetAnUnsignedWrapRound) {
  EXPECT_THROW((Integer<std::numeric_limits<std::int64_t>::min()>(
                   std::numeric_limits<std::uint64_t>::max())),
               Error);
}

TEST(NumberTest, HoldsItsBoundsAndRefusesNan) {
  EXPECT_EQ((Number<1, 20>(1.0).value()), 1.0);
  EXPECT_EQ((Number<1, 20>(20.0).value()), 20.0);
  EXPECT_EQ(refusal([] { (void)Number<1, 20>(20.001); }).type, "less_than_equal");
  EXPECT_EQ(refusal([] { (void)Number<1, 20>(0.999); }).type, "greater_than_equal");
  EXPECT_THROW((Number<1, 20>(std::numeric_limits<double>::quiet_NaN())), Error);
}

TEST(IdTest, KnowsItsOwn) {
  using UserId = Id<"user_">;
  EXPECT_EQ(UserId("user_01J9ZQ3V7X5R2M8K4T6W0Y1B3C").str(), "user_01J9ZQ3V7X5R2M8K4T6W0Y1B3C");
  EXPECT_EQ(UserId("user_abc123").str(), "user_abc123");  // another program's
  for (const char* text :
       {"", "user_", "gen_1", "USER_1", "user_a/b", "user_a b", "user_\xC3\xA9", "user_$"}) {
    EXPECT_EQ(refusal([&] { (void)UserId(text); }).type, "string_pattern_mismatch") << text;
    EXPECT_EQ(UserId::parse(text), std::nullopt);
  }
  EXPECT_EQ(UserId::parse("user_" + std::string(65, 'x')), std::nullopt);
  EXPECT_NE(UserId::parse("user_" + std::string(64, 'x')), std::nullopt);
}

TEST(IdTest, MakesNewOnes) {
  testing::FakeClock clock;
  testing::SeededRandom random(1);
  IdGenerator generator(clock, random);
  const auto first = Id<"gen_">::next(generator);
  const auto second = Id<"gen_">::next(generator);
  EXPECT_TRUE(is_id(first, "gen_"));
  EXPECT_LT(first, second);
}

}  // namespace
}  // namespace gesso::schema
