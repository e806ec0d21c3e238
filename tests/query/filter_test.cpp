#include "gesso/query/filter.hpp"

#include <gtest/gtest.h>

#include "tests/query/studio.hpp"

namespace gesso::query {
namespace {

using studio::ClientId;
using studio::Coat;
using studio::Commission;
using studio::CommissionId;
using studio::State;

const Time kNoon = *parse_iso8601("2026-03-01T12:00:00Z");
const Time kLater = *parse_iso8601("2026-03-02T12:00:00Z");

TEST(FilterTest, EachOperatorPrintsAsMongoDbWritesIt) {
  EXPECT_EQ(to_json(where<&Commission::title> == "Sea"), R"({ "title" : "Sea" })");
  EXPECT_EQ(to_json(where<&Commission::title> != "Sea"), R"({ "title" : { "$ne" : "Sea" } })");
  EXPECT_EQ(to_json(where<&Commission::price> < 5), R"({ "price" : { "$lt" : 5 } })");
  EXPECT_EQ(to_json(where<&Commission::price> <= 5), R"({ "price" : { "$lte" : 5 } })");
  EXPECT_EQ(to_json(where<&Commission::price> > 5), R"({ "price" : { "$gt" : 5 } })");
  EXPECT_EQ(to_json(where<&Commission::price> >= 5), R"({ "price" : { "$gte" : 5 } })");
  EXPECT_EQ(to_json(where<&Commission::state>.in({State::kOrdered, State::kDone})),
            R"({ "state" : { "$in" : [ "ordered", "done" ] } })");
  EXPECT_EQ(to_json(where<&Commission::receipt>.exists()),
            R"({ "receipt" : { "$exists" : true } })");
  EXPECT_EQ(to_json(where<&Commission::receipt>.missing()),
            R"({ "receipt" : { "$exists" : false } })");
}

TEST(FilterTest, ValuesAreWrittenAsTheirFieldsAreStored) {
  EXPECT_EQ(to_json(where<&Commission::id> == CommissionId("com_1")), R"({ "_id" : "com_1" })");
  EXPECT_EQ(to_json(where<&Commission::ordered_at> >= kNoon),
            R"({ "ordered_at" : { "$gte" : { "$date" : "2026-03-01T12:00:00Z" } } })");
  EXPECT_EQ(to_json(where<&Commission::framed> == true), R"({ "framed" : true })");
  EXPECT_EQ(to_json(where<&Commission::due> < kNoon),
            R"({ "due" : { "$lt" : { "$date" : "2026-03-01T12:00:00Z" } } })");
}

TEST(FilterTest, AListIsAskedForItsElements) {
  EXPECT_EQ(to_json(where<&Commission::tags> == "oil"), R"({ "tags" : "oil" })");
  EXPECT_EQ(to_json(where<&Commission::coats, &Coat::paint> == "umber"),
            R"({ "coats.paint" : "umber" })");
  EXPECT_EQ(to_json(where<&Commission::coats, &Coat::paint>.contains_all({"umber", "ochre"})),
            R"({ "coats.paint" : { "$all" : [ "umber", "ochre" ] } })");
}

TEST(FilterTest, ConditionsOnOneFieldShareItsDocument) {
  EXPECT_EQ(to_json(where<&Commission::price> >= 1 && where<&Commission::framed> == true &&
                    where<&Commission::price> < 9),
            R"({ "price" : { "$gte" : 1, "$lt" : 9 }, "framed" : true })");
}

TEST(FilterTest, TheSameOperatorTwiceOnOneFieldGoesUnderAnd) {
  EXPECT_EQ(to_json(where<&Commission::price> != 1 && where<&Commission::price> != 2),
            R"({ "$and" : [ { "price" : { "$ne" : 1 } }, { "price" : { "$ne" : 2 } } ] })");
}

TEST(FilterTest, AlternativesKeepTheirPlace) {
  const auto cheap = where<&Commission::price> < 5;
  const auto framed = where<&Commission::framed> == true;
  const auto sea = where<&Commission::title> == "Sea";
  EXPECT_EQ(to_json(cheap || framed),
            R"({ "$or" : [ { "price" : { "$lt" : 5 } }, { "framed" : true } ] })");
  EXPECT_EQ(to_json(sea && (cheap || framed)),
            R"({ "title" : "Sea", "$or" : [ { "price" : { "$lt" : 5 } }, { "framed" : true } ] })");
  EXPECT_EQ(to_json((sea && framed) || cheap),
            R"({ "$or" : [ { "title" : "Sea", "framed" : true }, { "price" : { "$lt" : 5 } } ] })");
  EXPECT_EQ(to_json((cheap || framed) && (sea || framed)),
            R"({ "$and" : [ { "$or" : [ { "price" : { "$lt" : 5 } }, { "framed" : true } ] }, )"
            R"({ "$or" : [ { "title" : "Sea" }, { "framed" : true } ] } ] })");
}

TEST(FilterTest, AllIsTheEmptyFilterAndAddsNothing) {
  EXPECT_EQ(to_json(all<Commission>()), "{ }");
  EXPECT_EQ(to_json(all<Commission>() && where<&Commission::price> == 1), R"({ "price" : 1 })");
  EXPECT_EQ(to_json(where<&Commission::price> == 1 && all<Commission>()), R"({ "price" : 1 })");
}

TEST(FilterTest, AnExpressionOwnsItsValues) {
  const auto filter = [] {
    const std::string title(100, 'x');
    const std::string_view view = title;
    return where<&Commission::title> == view && where<&Commission::tags> == std::string("oil");
  }();
  EXPECT_EQ(to_json(filter), R"({ "title" : ")" + std::string(100, 'x') + R"(", "tags" : "oil" })");
  const auto copy = filter;
  EXPECT_EQ(to_json(copy), to_json(filter));
}

TEST(FilterTest, TheShapeHoldsNoValues) {
  const auto shape_of = [](const std::string& client, Time until) {
    return shape(where<&Commission::client> == client && where<&Commission::ordered_at> < until);
  };
  EXPECT_EQ(shape_of("client_1", kNoon), shape_of("client_2", kLater));
  EXPECT_EQ(shape_of("client_1", kNoon), "client$eq,ordered_at$lt");
  EXPECT_EQ(shape(where<&Commission::price> == 1 ||
                  (where<&Commission::receipt>.missing() && where<&Commission::price> > 2)),
            "$or(price$eq|receipt$exists!,price$gt)");
}

TEST(FilterTest, AValueOfTheWrongRangeIsRefusedWhenItIsGiven) {
  EXPECT_THROW((void)(where<&Commission::client> == "somebody"), Error);
  EXPECT_THROW((void)(where<&Commission::price> == -1), Error);
}

template <class Value, auto Member>
concept ComparesWith = requires(Value value) {
  where<Member> == value;
};

TEST(FilterTest, OnlyAValueOfTheFieldsTypeCompares) {
  EXPECT_TRUE((ComparesWith<ClientId, &Commission::client>));
  EXPECT_TRUE((ComparesWith<std::string, &Commission::client>));
  EXPECT_FALSE((ComparesWith<CommissionId, &Commission::client>));
  EXPECT_FALSE((ComparesWith<CommissionId, &Commission::title>));
  EXPECT_FALSE((ComparesWith<int, &Commission::title>));
  EXPECT_FALSE((ComparesWith<std::string, &Commission::price>));
  EXPECT_FALSE((ComparesWith<double, &Commission::price>));
  EXPECT_FALSE((ComparesWith<std::nullopt_t, &Commission::receipt>));
  EXPECT_FALSE((ComparesWith<int, &Commission::framed>));
  EXPECT_FALSE((ComparesWith<const char*, &Commission::framed>));
  EXPECT_FALSE((ComparesWith<std::string, &Commission::state>));
}

template <class Left, class Right>
concept Combines = requires(Left left, Right right) {
  left&& right;
};

TEST(FilterTest, OnlyFiltersOfOneModelCombine) {
  using OfCommission = decltype(where<&Commission::title> == "Sea");
  using OfCoat = decltype(where<&Coat::paint> == "umber");
  EXPECT_TRUE((Combines<OfCommission, OfCommission>));
  EXPECT_FALSE((Combines<OfCommission, OfCoat>));
  EXPECT_FALSE((Combines<OfCommission, Unindexed<OfCommission>>));
}

}  // namespace
}  // namespace gesso::query
