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

#include <span>
#include <string>
#include <vector>

#include "gesso/bson/index_spec.hpp"
#include "gesso/mongo/dialect.hpp"
#include "gesso/mongo/session.hpp"

namespace gesso::mongo {

struct CollectionIndex {
  std::string collection;
  bson::IndexSpec spec;
};

// What a dialect makes of a declaration, and for people why, where it is something else.
struct AdaptedIndex {
  bson::IndexSpec spec;
  std::string note = {};
};

// On Azure Cosmos DB (RU) a TTL index is on `_ts` with no default (documents carry their own
// `ttl`), and what is unique under a partial filter is an index that is not unique.
[[nodiscard]] AdaptedIndex adapt(bson::IndexSpec spec, Dialect dialect);

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

  // The longer index serves its filters and sorts too.
  struct Spared {
    CollectionIndex index;
    std::string served_by;  // the longer one's name
    bool exists = false;    // the server has it all the same, and keeps it
  };

  std::vector<std::string> create_collections;
  std::vector<Create> create;
  std::vector<Spared> spared;
  std::vector<CollectionIndex> keep;
  std::vector<Differs> differs;
  std::vector<CollectionIndex> extra;  // the server has them, and nothing declares them

  // Whether there is nothing to do and nothing to decide.
  [[nodiscard]] bool is_settled() const {
    return create_collections.empty() && create.empty() && differs.empty();
  }
  // A line for each collection and index, for people.
  [[nodiscard]] std::string to_text() const;
};

// Reads which indexes the server has and compares them with the wanted ones. Changes nothing.
[[nodiscard]] IndexPlan plan_indexes(Session& session, std::span<const CollectionIndex> wanted);

// Creates the missing collections, then the missing indexes; leaves all else as it is. Throws
// Error of kind kConflict when an index cannot be made because of one that somebody else made
// differently in the meantime, kDuplicate when documents violate a unique one.
void apply_indexes(Session& session, const IndexPlan& plan);

// Plans and applies; gives the plan that was applied.
IndexPlan create_indexes(Session& session, std::span<const CollectionIndex> wanted);

}  // namespace gesso::mongo
