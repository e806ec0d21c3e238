// What the proof at compile time takes for granted of Azure Cosmos DB (RU) is what is made there:
// an index for each field of the declarations, and for each longest path that may be sorted along.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/mongo/adapted_indexes.hpp"
#include "gesso/repositories/indexes.hpp"

namespace gesso::repositories {
namespace {

std::map<std::string, std::vector<mongo::CollectionIndex>> by_collection() {
  std::map<std::string, std::vector<mongo::CollectionIndex>> out;
  for (const mongo::CollectionIndex& index : declared_indexes()) {
    out[index.collection].push_back(index);
  }
  return out;
}

// The fields and paths of the indexes that are made, as JSON of their keys.
struct Made {
  std::set<std::string, std::less<>> fields{"_id"};
  std::set<std::string, std::less<>> paths;

  Made(const std::vector<mongo::CollectionIndex>& declared, std::string_view shard_key) {
    if (!shard_key.empty()) fields.emplace(shard_key);
    constexpr mongo::DialectTraits kRu = mongo::traits_of(mongo::Dialect::kCosmosRu);
    for (const mongo::AdaptedIndex& index : mongo::adapt(declared, kRu, shard_key).made) {
      EXPECT_LE(index.spec.keys.view().count(), 8U) << bson::to_text(index.spec);
      if (index.spec.keys.view().count() == 1) {
        fields.emplace(index.spec.leading_field());
      } else {
        paths.insert(bson::to_json(index.spec.keys));
      }
    }
  }
};

TEST(IndexPlan, OnRuEveryConditionAndEverySortFindsItsIndex) {
  const auto shard_keys = declared_shard_keys();
  for (const bool sharded : {false, true}) {
    for (const auto& [collection, declared] : by_collection()) {
      const auto key = shard_keys.find(collection);
      const Made made(declared, sharded && key != shard_keys.end() ? key->second : "");
      for (const mongo::CollectionIndex& index : declared) {
        if (index.spec.expire_after_seconds) continue;
        for (const bson::Element& field : index.spec.keys.view()) {
          EXPECT_TRUE(made.fields.contains(field.key)) << collection << " " << field.key;
        }
        const bool is_path = index.spec.keys.view().count() > 1 && !index.spec.unique;
        EXPECT_EQ(made.paths.contains(bson::to_json(index.spec.keys)), is_path && index.sorts)
            << collection << " " << bson::to_text(index.spec);
      }
    }
  }
}

// Within a shard key's value only is an index unique there. So the collections of which a field is
// unique over all documents have none; an address could be two users' otherwise.
TEST(IndexPlan, OnRuWhatIsUniqueIsSoShardedToo) {
  const auto shard_keys = declared_shard_keys();
  EXPECT_FALSE(shard_keys.contains("users"));
  EXPECT_FALSE(shard_keys.contains("subscriptions"));
  constexpr mongo::DialectTraits kRu = mongo::traits_of(mongo::Dialect::kCosmosRu);
  std::set<std::string> unique;
  for (const auto& [collection, declared] : by_collection()) {
    const auto key = shard_keys.find(collection);
    const std::string shard_key = key == shard_keys.end() ? "" : key->second;
    for (const mongo::AdaptedIndex& index : mongo::adapt(declared, kRu, shard_key).made) {
      if (!index.spec.unique) continue;
      EXPECT_EQ(shard_key, "") << collection << " " << bson::to_text(index.spec);
      unique.insert(collection + " " + std::string(index.spec.leading_field()));
    }
  }
  EXPECT_TRUE(unique.contains("users email"));
  EXPECT_TRUE(unique.contains("subscriptions user_id"));
}

}  // namespace
}  // namespace gesso::repositories
