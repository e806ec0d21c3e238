// What a collection is to Cosmos DB: its shard key, its throughput, its partitions.
//
// They stand in the collection's options in the catalog, as `{cosmos: {shardKey, offerThroughput,
// autoscale}}`, and so survive a restart; one that was made without them has the account's
// defaults. Those of a database with shared throughput are the options of a hidden collection,
// `system.cosmos`. Values; the functions are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/cosmos/throughput.hpp"
#include "gesso/localdb/cosmos_options.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/storage/catalog.hpp"

namespace gesso::localdb::cosmos {

inline constexpr std::string_view kDatabaseSettings = "system.cosmos";

// Request units a second, fixed or as the most of autoscale.
struct Offer {
  std::int64_t ru = 0;
  bool autoscale = false;

  friend bool operator==(const Offer&, const Offer&) = default;
};

// What was said when a collection or a database was made, or last updated.
struct Settings {
  std::string shard_key = {};  // "a.b"; "" for none
  std::optional<Offer> offer = {};
  std::int64_t highest = 0;  // the most request units that it ever had

  void set_offer(const std::optional<Offer>& wanted);
};
[[nodiscard]] Settings settings_of(bson::View options);
[[nodiscard]] bson::Document options_of(const Settings& settings);

struct Container {
  std::string shard_key;  // "" for an unsharded one
  Offer offer;
  bool is_shared = false;  // the offer is the database's
  Provision provision;

  [[nodiscard]] bool is_sharded() const { return !shard_key.empty(); }
  // Where the document of that shard key value lives.
  [[nodiscard]] std::size_t partition_of_value(bson::Value value) const;
  [[nodiscard]] std::size_t partition_of(bson::View document) const;
  // Those that a query has to visit, ascending: all of them unless it binds the shard key.
  [[nodiscard]] std::vector<std::size_t> partitions_for(const Matcher* filter) const;
};

// `catalog` is asked for the database's settings.
[[nodiscard]] Container container_of(const Catalog& catalog, const Collection& collection,
                                     const CosmosOptions& account);

// As many physical partitions as a new collection or database of that throughput gets.
[[nodiscard]] std::size_t partitions_of(const Offer& offer);

}  // namespace gesso::localdb::cosmos
