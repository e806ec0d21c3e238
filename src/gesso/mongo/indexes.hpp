// Creating indexes as plan, diff, apply: what is wanted is compared with what the server has, by
// key and options and not by name, and nothing is ever dropped or changed silently. An index that
// another one begins with is not made where the longer one serves all that it would: each costs
// every write.
//
//   const IndexPlan plan = plan_indexes(session, wanted);
//   std::cout << plan.to_text();
//   apply_indexes(session, plan);
//
// Functions over a leased session (see session.hpp): they block and throw as it does. Safe from
// many processes at once: who comes second finds what the first one made.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/index_spec.hpp"
#include "gesso/mongo/adapted_indexes.hpp"
#include "gesso/mongo/session.hpp"

namespace gesso::mongo {

// What a collection on Azure Cosmos DB (RU) may use a second: so many request units, or up to so
// many.
struct Throughput {
  bool autoscale = false;
  std::int64_t request_units = 0;  // 0: what the service gives, 400
};

// "400", or "autoscale:1000"; std::nullopt for what the service does not offer: hundreds from 400
// on, or thousands with autoscale (https://learn.microsoft.com/azure/cosmos-db/concepts-limits).
[[nodiscard]] std::optional<Throughput> parse_throughput(std::string_view text);

// How collections are made that are not there yet, on servers with shard keys and throughput of
// their own; others know neither, and ignore it.
struct CollectionOptions {
  Throughput throughput = {};
  std::map<std::string, std::string> shard_keys = {};  // field by collection; none: unsharded

  [[nodiscard]] std::string_view shard_key_of(const std::string& collection) const {
    const auto found = shard_keys.find(collection);
    return found == shard_keys.end() ? std::string_view() : std::string_view(found->second);
  }
};

struct IndexPlan {
  struct Create {
    CollectionIndex index;
    std::string note = {};  // as in `AdaptedIndex`
  };
  // The wanted index and the one that the server has do not agree. Changing it is the operator's
  // decision.
  struct Differs {
    CollectionIndex wanted;
    bson::IndexSpec existing;
    std::string what;  // "unique: wanted true, stands false"
  };

  // Others serve its filters and sorts.
  struct Spared {
    CollectionIndex index;
    std::string why;
    bool exists = false;  // the server has it all the same, and keeps it
  };
  // It cannot be made as things are; `why` says what to do.
  struct Refused {
    CollectionIndex index;
    std::string why;
  };

  CollectionOptions collections;
  std::vector<std::string> create_collections;
  std::vector<Create> create;
  std::vector<Spared> spared;
  std::vector<CollectionIndex> keep;
  std::vector<Differs> differs;
  std::vector<Refused> refused;
  std::vector<CollectionIndex> extra;  // the server has them, and nothing declares them

  // Whether there is nothing to do and nothing to decide.
  [[nodiscard]] bool is_settled() const {
    return create_collections.empty() && create.empty() && differs.empty() && refused.empty();
  }
  // A line for each collection and index, for people.
  [[nodiscard]] std::string to_text() const;
};

// Reads which indexes the server has and compares them with the wanted ones. Changes nothing.
[[nodiscard]] IndexPlan plan_indexes(Session& session, std::span<const CollectionIndex> wanted,
                                     const CollectionOptions& collections = {});

// Throws Error: kConflict, with the index and what to do, where the server does not hold what a
// declared index promises to be unique: the index stands there without that, or cannot be made.
void require_unique(const IndexPlan& plan);

// Creates the missing collections, then the missing indexes; leaves all else as it is. On Azure
// Cosmos DB (RU) a collection is made together with its indexes, since a unique one may come later
// than the first document. Throws
// Error of kind kConflict when an index cannot be made because of one that somebody else made
// differently in the meantime, kDuplicate when documents violate a unique one.
void apply_indexes(Session& session, const IndexPlan& plan);

// Plans and applies; gives the plan that was applied.
IndexPlan create_indexes(Session& session, std::span<const CollectionIndex> wanted,
                         const CollectionOptions& collections = {});

}  // namespace gesso::mongo
