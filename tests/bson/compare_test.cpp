#include "gesso/bson/compare.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/decimal.hpp"
#include "gesso/bson/json.hpp"

namespace gesso::bson {
namespace {

// Each row is a class of equal values; the rows ascend. Every pair is compared.
std::vector<std::vector<OwnedValue>> ladder() {
  std::vector<std::vector<OwnedValue>> rows;
  const auto row = [&rows](auto&&... values) {
    std::vector<OwnedValue> equal;
    (equal.emplace_back(make_document("v", values)["v"]), ...);
    rows.push_back(std::move(equal));
  };
  const auto decimal = [](const char* text) { return *parse_decimal(text); };
  const double infinity = std::numeric_limits<double>::infinity();
  constexpr std::int64_t kBig = (std::int64_t{1} << 53) + 1;
  const std::uint8_t bytes[] = {1, 2, 3};

  row(MinKey{});
  row(Null{});
  row(std::nan(""), -std::nan(""), decimal("NaN"));
  row(-infinity, decimal("-Infinity"));
  row(decimal("-1E400"));
  row(std::numeric_limits<std::int64_t>::min(), -0x1p63);
  row(-2.5, decimal("-2.50"));
  row(-2, std::int64_t{-2}, -2.0, decimal("-2"));
  row(-0.0, 0, 0.0, std::int64_t{0}, decimal("0"), decimal("-0E5"));
  row(std::numeric_limits<double>::denorm_min());
  row(1, std::int64_t{1}, 1.0, decimal("1"), decimal("1.00"));
  row(2.5);
  row(static_cast<double>(kBig - 1), kBig - 1);
  row(kBig, decimal("9007199254740993"));
  row(static_cast<double>(kBig + 1));
  row(std::numeric_limits<std::int64_t>::max(), decimal("9223372036854775807"));
  row(0x1p63, decimal("9223372036854775808"));
  row(decimal("1E400"));
  row(infinity, decimal("Infinity"));
  row("");
  row("A");
  row("a");
  row("a\x01");
  row("ab");
  row("é");
  row(Document());
  row(make_document("a", Null{}));
  row(make_document("a", 1), make_document("a", 1.0));
  row(make_document("a", 1, "b", 0));
  row(make_document("a", 2));
  row(make_document("b", 1));
  row(make_document("a", "text")) /* by the type of the first value before its name */;
  row(Array());
  row(make_array(1));
  row(make_array(1, 2));
  row(make_array(2));
  row(Binary{.subtype = 9, .bytes = {bytes, 1}});
  row(Binary{.subtype = 0, .bytes = {bytes, 2}});
  row(Binary{.subtype = 1, .bytes = {bytes, 2}});
  row(ObjectId{{0}});
  row(ObjectId{{1}});
  row(false);
  row(true);
  row(Time{std::chrono::milliseconds{-1}});
  row(Time{std::chrono::milliseconds{1}});
  row(Timestamp{.seconds = 1, .increment = 9});
  row(Timestamp{.seconds = 0xFFFFFFFF, .increment = 0});
  row(Regex{.pattern = "a", .options = "i"});
  row(Regex{.pattern = "b", .options = ""});
  row(MaxKey{});
  return rows;
}

TEST(BsonOrder, IsTotalAndTheOneThatMongoDbDocuments) {
  const auto rows = ladder();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const OwnedValue& left : rows[i]) {
      for (std::size_t j = 0; j < rows.size(); ++j) {
        for (const OwnedValue& right : rows[j]) {
          const int order = compare(left.view(), right.view());
          const int wanted = static_cast<int>(i > j) - static_cast<int>(i < j);
          EXPECT_EQ(order > 0 ? 1 : (order < 0 ? -1 : 0), wanted)
              << to_json(left.view()) << " (row " << i << ") against " << to_json(right.view())
              << " (row " << j << ")";
        }
      }
    }
  }
}

TEST(BsonOrder, TakesAMissingValueForNull) {
  const Document null = make_document("v", Null{});
  EXPECT_TRUE(equal(null["v"], Value()));
  EXPECT_LT(compare(Value(), make_document("v", 0)["v"]), 0);
}

}  // namespace
}  // namespace gesso::bson
