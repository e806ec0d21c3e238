// Random documents, random writes, random queries: the indexes hold what a naive model says, and
// every plan finds what a scan with the matcher finds, in the order of the sort.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/sort.hpp"
#include "tests/localdb/index/random_bson.hpp"
#include "tests/localdb/plan/plan_fixture.hpp"

namespace gesso::localdb {
namespace {

constexpr const char* kIndexes[] = {
    R"({"key": {"a": 1}})",
    R"({"key": {"a": -1, "b": 1}})",
    R"({"key": {"b": 1, "c": -1}})",
    R"({"key": {"a.x": 1, "a.y": 1}})",
    R"({"key": {"c.0": 1}})",
    R"({"key": {"c": 1}, "sparse": true})",
    R"({"key": {"b": -1}, "partialFilterExpression": {"b": {"$gt": 1}}})",
    R"({"key": {"a": 1, "c": 1}, "partialFilterExpression": {"b": {"$exists": true}}})"};

class PropertyTest : public PlanFixture {
 protected:
  using Model = std::map<RecordId, bson::Document>;

  // A few hundred random inserts, replacements and removals; what is left then.
  Model write_randomly(RandomBson& random, int steps) {
    Model model;
    write([&](WriteTransaction& txn) {
      model.clear();
      for (int step = 0; step < steps; ++step) {
        const bson::Document document = random.small_document(step);
        const std::size_t choice = random.below(10);
        try {
          if (model.empty() || choice < 7) {
            const RecordId id = txn.insert(users(txn), document);
            model.insert_or_assign(id, document);
            continue;
          }
          const auto at =
              std::next(model.begin(), static_cast<std::ptrdiff_t>(random.below(model.size())));
          if (choice < 9) {
            bson::Builder changed;
            changed.append("_id", at->second["_id"]);
            for (const bson::Element& element : document.view()) {
              if (element.key != "_id") changed.append_element(element);
            }
            const bson::Document replacement = changed.finish();
            txn.replace(users(txn), at->first, replacement);
            at->second = replacement;
          } else {
            EXPECT_TRUE(txn.remove(users(txn), at->first));
            model.erase(at);
          }
        } catch (const CommandError& error) {
          // Parallel arrays and ambiguous positions are refused and change nothing.
          EXPECT_TRUE(error.code() == 171 || error.code() == 16746) << error.what();
        }
      }
    });
    return model;
  }

  static void append_condition(RandomBson& random, bson::Builder& out, std::string_view path) {
    static constexpr const char* kOps[] = {"$eq", "$gt", "$gte", "$lt", "$lte"};
    switch (random.below(6)) {
      case 0:
        random.append_small(out, path, 2);
        return;
      case 1: {
        const auto scope = out.document(path);
        const auto list = out.array("$in");
        for (std::size_t n = random.below(4); n > 0; --n) {
          random.append_small(out, out.next_key(), 1);
        }
        return;
      }
      case 2: {
        const auto scope = out.document(path);
        out.append("$exists", random.below(2) == 0);
        return;
      }
      default: {
        const auto scope = out.document(path);
        random.append_small(out, kOps[random.below(5)], 1);
        if (random.below(3) == 0) random.append_small(out, kOps[random.below(5)], 1);
      }
    }
  }

  static bson::Document random_filter(RandomBson& random, int depth = 1) {
    static constexpr const char* kPaths[] = {"a", "b", "c", "a.x", "a.y", "c.0", "_id"};
    bson::Builder out;
    for (std::size_t n = random.below(3) + (depth == 0 ? 1 : 0); n > 0; --n) {
      append_condition(random, out, kPaths[random.below(7)]);
    }
    if (depth > 0 && random.below(4) == 0) {
      const auto branches = out.array("$or");
      for (std::size_t n = random.below(2) + 2; n > 0; --n) {
        out.push(random_filter(random, depth - 1));
      }
    }
    return out.finish();
  }

  static bson::Document random_sort(RandomBson& random) {
    static constexpr const char* kPaths[] = {"a", "b", "c", "a.x", "_id"};
    bson::Builder out;
    std::set<std::string> used;
    for (std::size_t n = random.below(3); n > 0; --n) {
      const char* const path = kPaths[random.below(5)];
      if (used.insert(path).second) out.append(path, random.below(2) == 0 ? 1 : -1);
    }
    return out.finish();
  }
};

TEST_F(PropertyTest, IndexesAgreeWithTheDocumentsAfterRandomWrites) {
  for (const char* index : kIndexes) create_index(index);
  RandomBson random(11);
  const Model model = write_randomly(random, 600);
  {
    const ReadTransaction read = store().read();
    EXPECT_EQ(read.counters(users(read)).documents, model.size());
    for (const auto& index : users(read).indexes) {
      std::set<std::pair<std::string, RecordId>> expected;
      KeySet keys;
      for (const auto& [id, document] : model) {
        index->keys->keys_of(document, keys);
        for (const std::string& key : keys.keys) expected.emplace(key, id);
      }
      std::set<std::pair<std::string, RecordId>> found;
      IndexCursor cursor(read, *index);
      for (bool more = cursor.seek(""); more; more = cursor.next()) {
        found.emplace(cursor.key(), cursor.record());
      }
      EXPECT_EQ(found, expected) << spec_of(*index).name;
    }
  }
  expect_clean();
}

class PlansOfRandomQueries : public PropertyTest, public ::testing::WithParamInterface<Texts> {};

INSTANTIATE_TEST_SUITE_P(Texts, PlansOfRandomQueries,
                         ::testing::Values(Texts::kShort, Texts::kLong), [](const auto& test) {
                           return test.param == Texts::kShort ? "Short" : "Long";
                         });

TEST_P(PlansOfRandomQueries, FindWhatAScanFindsInTheOrderAskedFor) {
  for (const char* index : kIndexes) create_index(index);
  RandomBson random(12, GetParam());
  const Model model = write_randomly(random, 200);
  const ReadTransaction read = store().read();
  int by_index = 0;
  for (int query = 0; query < 800; ++query) {
    const bson::Document filter = random_filter(random);
    const bson::Document sort = random_sort(random);
    const std::string what = bson::to_json(filter.view()) + " by " + bson::to_json(sort.view());
    std::shared_ptr<const Matcher> compiled;
    try {
      compiled = matcher(filter.view());
    } catch (const CommandError&) {
      continue;  // a condition that is none
    }
    const SortSpec order = SortSpec::parse(sort);
    std::set<RecordId> expected;
    bool sortable = true;
    std::vector<bson::Value> values;
    for (const auto& [id, document] : model) {
      if (!compiled->matches(document)) continue;
      expected.insert(id);
      try {
        order.extract(document, values);
      } catch (const CommandError&) {
        sortable = false;  // parallel arrays
      }
    }
    if (!sortable) continue;
    const PlanRequest request{.filter = compiled, .sort = sort};
    Plan plan = make_plan(read, collection(read), request);
    by_index += plan.scans.front().index ? 1 : 0;
    Execution execution(plan);
    execution.attach(read);
    const std::vector<RecordId> found = rest_of(execution);
    ASSERT_EQ(std::set<RecordId>(found.begin(), found.end()), expected)
        << what << bson::to_json(describe_plan(plan).view());
    ASSERT_EQ(found.size(), expected.size()) << what << bson::to_json(describe_plan(plan).view());
    for (std::size_t i = 1; i < found.size(); ++i) {
      ASSERT_LE(order.compare(model.at(found[i - 1]), model.at(found[i])), 0)
          << what << bson::to_json(describe_plan(plan).view());
    }
    ASSERT_EQ(count(read, collection(read), request), expected.size()) << what;
    // One record a transaction gives the same.
    if (query % 20 == 0) {
      Execution resumed(plan);
      std::vector<RecordId> one_by_one;
      for (bool more = true; more;) {
        const ReadTransaction again = store().read();
        resumed.attach(again);
        const auto record = resumed.next();
        more = record.has_value();
        if (more) one_by_one.push_back(record->id);
        resumed.detach();
      }
      ASSERT_EQ(one_by_one, found) << what;
    }
  }
  EXPECT_GT(by_index, 200);
}

}  // namespace
}  // namespace gesso::localdb
