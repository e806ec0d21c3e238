// The rule of served.hpp, clause by clause. What it does to a build is in tests/compile_fail.
#include "gesso/query/served.hpp"

#include <gtest/gtest.h>

#include "tests/query/studio.hpp"

namespace gesso::studio {

struct Sheet {
  schema::Id<"sheet_"> id;
  std::string kind;
  std::string place;
  std::string size;

  using Indexes =
      query::IndexList<query::Index<&Sheet::kind>, query::Index<&Sheet::kind, &Sheet::place>,
                       query::Index<&Sheet::kind, &Sheet::place, query::desc<&Sheet::id>>,
                       query::Lookup<&Sheet::place, &Sheet::size>>;
};
BOOST_DESCRIBE_STRUCT(Sheet, (), (id, kind, place, size))

}  // namespace gesso::studio

namespace gesso::query {
namespace {

using studio::ClientId;
using studio::Coat;
using studio::Commission;
using studio::CommissionId;
using studio::State;

const auto kId = where<&Commission::id> == "com_1";
const auto kClient = where<&Commission::client> == "client_1";
const auto kState = where<&Commission::state> == State::kOrdered;
const auto kStates = where<&Commission::state>.in({State::kOrdered, State::kDone});
const auto kTitle = where<&Commission::title> == "Sea";
const auto kSince = where<&Commission::ordered_at> >= Time{};
const auto kUntil = where<&Commission::ordered_at> < Time{};
const auto kCheap = where<&Commission::price> < 5;
const auto kFramed = where<&Commission::framed> == true;
const auto kReceipt = where<&Commission::receipt> == "r-1";
const auto kAlive = where<&Commission::keep_until> > Time{};

constexpr auto kNewest = sort_by(desc<&Commission::ordered_at>);
constexpr auto kOldest = sort_by(asc<&Commission::ordered_at>);
constexpr auto kByPrice = sort_by(asc<&Commission::price>);

template <class E, class S = Sort<>>
bool served(const E&, S = {}) {
  return Served<E, S>;
}
template <class E, class S>
std::string wire_sort(const E&, S sort) {
  static_assert(Served<E, S>);
  return bson::to_json(Proof<E, S>::wire_sort(sort));
}
template <class Why, class E, class S = Sort<>>
bool names(const E&, S = {}) {
  return std::is_same_v<typename Proof<E, S>::Why, Why>;
}

TEST(ServedTest, AnEqualityPrefixIsServed) {
  EXPECT_TRUE(served(kClient));
  EXPECT_TRUE(served(kState && where<&Commission::ordered_at> == Time{}));
  EXPECT_FALSE(served(kFramed));
  EXPECT_FALSE(served(where<&Commission::ordered_at> == Time{}));
  EXPECT_FALSE(served(kClient && kFramed));
}

TEST(ServedTest, ARangeBehindThePrefixIsServed) {
  EXPECT_TRUE(served(kClient && kSince && kUntil));
  EXPECT_TRUE(served(kCheap));
  EXPECT_FALSE(served(kSince));
  // The key between is not bound.
  EXPECT_FALSE(served(kState && kCheap));
  EXPECT_FALSE(served(kState && kSince && kCheap));
}

TEST(ServedTest, ASortBehindThePrefixIsServedInBothDirections) {
  EXPECT_TRUE(served(kClient, kNewest));
  EXPECT_TRUE(served(kClient, kOldest));
  EXPECT_TRUE(served(kState, kOldest));
  EXPECT_FALSE(served(kClient, kByPrice));
  EXPECT_FALSE(served(all<Commission>(), kNewest));
  EXPECT_FALSE(served(kClient, sort_by(desc<&Commission::ordered_at>, asc<&Commission::id>)));
  EXPECT_TRUE(served(kClient, sort_by(desc<&Commission::ordered_at>, desc<&Commission::id>)));
}

TEST(ServedTest, ASortOverAWholeIndexIsServed) {
  EXPECT_TRUE(served(all<Commission>(), kByPrice));
  EXPECT_TRUE(served(kCheap, kByPrice));
  EXPECT_TRUE(served(all<Commission>(), sort_by(desc<&Commission::id>)));
  // It would read the index from end to end to find the framed ones.
  EXPECT_FALSE(served(kFramed, kByPrice));
}

TEST(ServedTest, TheSortOnTheWireIsTheIndexsPath) {
  EXPECT_EQ(wire_sort(kClient, kNewest), R"({ "client" : 1, "ordered_at" : -1, "_id" : -1 })");
  EXPECT_EQ(wire_sort(kClient, kOldest), R"({ "client" : -1, "ordered_at" : 1, "_id" : 1 })");
  EXPECT_EQ(wire_sort(kState, kOldest), R"({ "state" : 1, "ordered_at" : 1, "price" : 1 })");
  EXPECT_EQ(wire_sort(kClient, unsorted), "{ }");
  EXPECT_EQ(wire_sort(kId, kNewest), "{ }");
  EXPECT_EQ(wire_sort(all<Commission>(), unsorted), R"({ "_id" : 1 })");
}

// Of indexes that begin alike only the longest is made, and Cosmos DB (RU) sorts along the whole
// path of one.
TEST(ServedTest, ASortNamesTheLongestIndexThatBeginsWithItsOwn) {
  using studio::Sheet;
  const auto of_kind = where<&Sheet::kind> == "wove";
  EXPECT_EQ(wire_sort(of_kind, sort_by(asc<&Sheet::place>)),
            R"({ "kind" : 1, "place" : 1, "_id" : -1 })");
  EXPECT_EQ(wire_sort(all<Sheet>(), sort_by(desc<&Sheet::kind>)),
            R"({ "kind" : -1, "place" : -1, "_id" : 1 })");
}

TEST(ServedTest, ALookupServesFiltersAndNoSort) {
  using studio::Sheet;
  const auto in_place = where<&Sheet::place> == "left";
  EXPECT_TRUE(served(in_place));
  EXPECT_TRUE(served(in_place && where<&Sheet::size> == "A3"));
  EXPECT_FALSE(served(in_place, sort_by(asc<&Sheet::size>)));
  EXPECT_FALSE(served(all<Sheet>(), sort_by(asc<&Sheet::place>)));
}

TEST(ServedTest, ConditionsWithASortStandOnItsFirstFieldOrBehindIt) {
  EXPECT_TRUE(served(kState && kSince, kOldest));
  EXPECT_TRUE(served(kState && kCheap, kOldest));
  EXPECT_TRUE(served(kState && kSince && kCheap, kOldest));
  EXPECT_FALSE(served(kState && kFramed, kOldest));
}

TEST(ServedTest, InBindsOnlyWhereNothingIsSorted) {
  EXPECT_TRUE(served(kStates));
  EXPECT_TRUE(served(kStates && kSince));
  EXPECT_FALSE(served(kStates, kOldest));
}

TEST(ServedTest, AUniqueLookUpServesWhateverElseIsAsked) {
  EXPECT_TRUE(served(kId && kFramed && kCheap));
  EXPECT_TRUE(served(kTitle && kFramed, kNewest));
  EXPECT_TRUE(served(where<&Commission::id>.in({"com_1", "com_2"}) && kFramed));
  EXPECT_FALSE(served(where<&Commission::id>.in({"com_1", "com_2"}) && kFramed, kNewest));
}

TEST(ServedTest, AUniqueWhenPresentIndexServesLookUpsOnly) {
  EXPECT_TRUE(served(kReceipt && kFramed));
  EXPECT_FALSE(served(where<&Commission::receipt> > "r"));
  EXPECT_FALSE(served(where<&Commission::receipt>.exists()));
  EXPECT_FALSE(served(all<Commission>(), sort_by(asc<&Commission::receipt>)));
}

TEST(ServedTest, NegationsBindNothing) {
  EXPECT_FALSE(served(where<&Commission::client> != "client_1"));
  EXPECT_FALSE(served(where<&Commission::client>.exists()));
  EXPECT_TRUE(served(kState && where<&Commission::price> != 3));
  EXPECT_FALSE(served(kState && where<&Commission::framed> != true));
}

TEST(ServedTest, TheTtlFieldGuardsAServedQueryAndServesNone) {
  EXPECT_TRUE(served(kClient && kAlive, kNewest));
  EXPECT_TRUE(served(kCheap && kAlive, kByPrice));
  EXPECT_FALSE(served(kAlive));
  EXPECT_FALSE(served(kAlive, sort_by(asc<&Commission::keep_until>)));
  EXPECT_FALSE(served(kFramed && kAlive));
}

TEST(ServedTest, AlternativesAreServedEachForItself) {
  EXPECT_TRUE(served(kClient || kCheap));
  EXPECT_FALSE(served(kClient || kFramed));
  EXPECT_FALSE(served(kClient || kState, kNewest));
  EXPECT_TRUE(served(kClient && (kSince || kUntil)));
  EXPECT_FALSE(served(kClient && (kSince || kFramed)));
}

TEST(ServedTest, NestedFieldsAreServed) {
  EXPECT_TRUE(served(where<&Commission::coats, &Coat::at> < Time{}));
  EXPECT_FALSE(served(where<&Commission::coats, &Coat::paint> == "umber"));
}

TEST(ServedTest, NothingAskedIsTheIdIndex) { EXPECT_TRUE(served(all<Commission>())); }

TEST(ServedTest, UnindexedIsTheWayPast) {
  EXPECT_TRUE(served(unindexed(kFramed)));
  EXPECT_TRUE(served(unindexed(kFramed), kNewest));
  EXPECT_EQ(wire_sort(unindexed(kFramed), kNewest), R"({ "ordered_at" : -1 })");
}

TEST(ServedTest, TheRefusalNamesTheFieldsThatNoIndexServes) {
  EXPECT_TRUE(names<NoIndexServes<&Commission::framed>>(kFramed));
  EXPECT_TRUE(names<NoIndexServes<&Commission::framed>>(kClient && kFramed));
  EXPECT_TRUE((names<NoIndexServes<&Commission::framed, &Commission::due>>(
      kClient && kFramed && where<&Commission::due> < Time{} && where<&Commission::due> > Time{})));
  EXPECT_TRUE(names<NoIndexServes<&Commission::price>>(kClient, kByPrice));
  EXPECT_TRUE(names<NoIndexServes<&Commission::framed>>(kClient || kFramed));
  EXPECT_TRUE((names<NoIndexServes<Path<&Commission::coats, &Coat::paint>{}>>(
      where<&Commission::coats, &Coat::paint> == "umber")));
}

}  // namespace
}  // namespace gesso::query
