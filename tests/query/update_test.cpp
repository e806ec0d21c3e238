#include "gesso/query/update.hpp"

#include <gtest/gtest.h>

#include "tests/query/studio.hpp"

namespace gesso::query {
namespace {

using studio::Coat;
using studio::Commission;
using studio::State;

const Time kNoon = *parse_iso8601("2026-03-01T12:00:00Z");

TEST(UpdateTest, EachChangePrintsAsMongoDbWritesIt) {
  EXPECT_EQ(to_json(update(set<&Commission::state>(State::kDone))),
            R"({ "$set" : { "state" : "done" } })");
  EXPECT_EQ(to_json(update(unset<&Commission::receipt>())),
            R"({ "$unset" : { "receipt" : true } })");
  EXPECT_EQ(to_json(update(inc<&Commission::price>(-3))), R"({ "$inc" : { "price" : -3 } })");
  EXPECT_EQ(to_json(update(query::min<&Commission::price>(3))), R"({ "$min" : { "price" : 3 } })");
  EXPECT_EQ(to_json(update(query::max<&Commission::due>(kNoon))),
            R"({ "$max" : { "due" : { "$date" : "2026-03-01T12:00:00Z" } } })");
  EXPECT_EQ(to_json(update(push<&Commission::tags>("oil"))), R"({ "$push" : { "tags" : "oil" } })");
  EXPECT_EQ(to_json(update(push<&Commission::coats>(Coat{"umber", kNoon}))),
            R"({ "$push" : { "coats" : { "paint" : "umber", )"
            R"("at" : { "$date" : "2026-03-01T12:00:00Z" } } } })");
  EXPECT_EQ(to_json(update(push_bounded<&Commission::tags>("oil", 3))),
            R"({ "$push" : { "tags" : { "$each" : [ "oil" ], "$slice" : -3 } } })");
  EXPECT_EQ(to_json(update(pull<&Commission::tags>("oil"))), R"({ "$pull" : { "tags" : "oil" } })");
  EXPECT_EQ(to_json(update(pull<&Commission::coats>(where<&Coat::paint> == "umber"))),
            R"({ "$pull" : { "coats" : { "paint" : "umber" } } })");
  EXPECT_EQ(to_json(update(set_on_insert<&Commission::title>("Sea"))),
            R"({ "$setOnInsert" : { "title" : "Sea" } })");
}

TEST(UpdateTest, ChangesOfOneKindShareADocument) {
  EXPECT_EQ(to_json(update(set<&Commission::state>(State::kDrying), inc<&Commission::price>(1),
                           set<&Commission::receipt>("r-1"))),
            R"({ "$set" : { "state" : "drying", "receipt" : "r-1" }, "$inc" : { "price" : 1 } })");
}

TEST(UpdateTest, ItGrowsAndKnowsWhatItTouches) {
  Update<Commission> changes;
  EXPECT_TRUE(changes.empty());
  changes.add(set<&Commission::title>("Sea"));
  EXPECT_TRUE(changes.touches("title"));
  EXPECT_FALSE(changes.touches("price"));
  EXPECT_EQ(to_json(changes), R"({ "$set" : { "title" : "Sea" } })");
}

TEST(UpdateTest, ItOwnsItsValues) {
  const auto changes = [] {
    const std::string title(100, 'x');
    return update(set<&Commission::title>(std::string_view(title)));
  }();
  EXPECT_EQ(to_json(changes), R"({ "$set" : { "title" : ")" + std::string(100, 'x') + R"(" } })");
}

template <class Value, auto Member>
concept Settable = requires(Value value) {
  set<Member>(value);
};
template <class Value, auto Member>
concept Incrementable = requires(Value value) {
  inc<Member>(value);
};
template <class Value, auto Member>
concept Pushable = requires(Value value) {
  push<Member>(value);
};

TEST(UpdateTest, OnlyAValueOfTheFieldsTypeFits) {
  EXPECT_TRUE((Settable<const char*, &Commission::receipt>));
  EXPECT_FALSE((Settable<std::nullopt_t, &Commission::receipt>));
  EXPECT_FALSE((Settable<int, &Commission::title>));
  EXPECT_FALSE((Settable<studio::ClientId, &Commission::id>));
  EXPECT_TRUE((Incrementable<int, &Commission::price>));
  EXPECT_FALSE((Incrementable<double, &Commission::price>));
  EXPECT_TRUE((Pushable<std::string, &Commission::tags>));
  EXPECT_FALSE((Pushable<int, &Commission::tags>));
  EXPECT_FALSE((Pushable<std::string, &Commission::title>));
}

template <class First, class Second>
concept OneUpdate = requires(First first, Second second) {
  update(first, second);
};

TEST(UpdateTest, OnlyChangesOfOneModelMakeAnUpdate) {
  using OfCommission = decltype(set<&Commission::title>("Sea"));
  using OfCoat = decltype(set<&Coat::paint>("umber"));
  EXPECT_TRUE((OneUpdate<OfCommission, OfCommission>));
  EXPECT_FALSE((OneUpdate<OfCommission, OfCoat>));
}

}  // namespace
}  // namespace gesso::query
