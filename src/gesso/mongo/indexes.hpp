// Creating indexes as plan, diff, apply: what is wanted is compared with what stands, by key and
// options and not by name, and nothing is ever dropped or changed silently.
//
//   const IndexPlan plan = plan_indexes(session, wanted);
//   std::cout << plan.to_text();
//   apply_indexes(session, plan);
//
// Functions over a leased session (see session.hpp): they block and throw as it does. Safe from
// many processes at once: who comes second finds what the first one made.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/mongo/dialect.hpp"
#include "gesso/mongo/session.hpp"

namespace gesso::mongo {

struct IndexSpec {
  std::string collection;
  std::string name = {};  // "" for the usual "a_1_b_-1"
  bson::Document key;     // {a: 1, b: -1}
  bool unique = false;
  std::optional<std::int64_t> expire_after_seconds = {};  // TTL: the key is one date
  bson::Document partial_filter = {};
  // Unique among the documents that have this field (the key's only one); the others do not
  // collide. How is the dialect's.
  std::string unique_when_present = {};
};

// What a dialect makes of a declaration, and why, where it is something else.
struct AdaptedIndex {
  IndexSpec spec;
  std::string note;
};

// On Azure Cosmos DB (RU) a TTL stands on `_ts` with no default (documents carry their own `ttl`),
// and what is unique when present is an index that is not unique.
[[nodiscard]] AdaptedIndex adapt(IndexSpec spec, Dialect dialect);

struct IndexPlan {
  struct Create {
    IndexSpec spec;
    std::string note;  // see AdaptedIndex
  };
  // Wanted and standing do not agree. Changing it is the operator's decision.
  struct Differs {
    IndexSpec wanted;
    bson::Document standing;  // as listIndexes shows it
    std::string what;         // "unique: wanted true, stands false"
  };
  // Stands, and nothing declares it.
  struct Extra {
    std::string collection;
    bson::Document standing;
  };

  std::vector<std::string> create_collections;
  std::vector<Create> create;
  std::vector<IndexSpec> keep;
  std::vector<Differs> differs;
  std::vector<Extra> extra;

  // Whether there is nothing to do and nothing to decide.
  [[nodiscard]] bool is_settled() const {
    return create_collections.empty() && create.empty() && differs.empty();
  }
  // For people: a line for each collection and index.
  [[nodiscard]] std::string to_text() const;
};

// Reads what stands and compares. Changes nothing.
[[nodiscard]] IndexPlan plan_indexes(Session& session, std::span<const IndexSpec> wanted);

// Creates the missing collections, then the missing indexes; leaves all else as it stands. Throws
// Error of kind kConflict when an index cannot be made because of one that somebody else made
// differently in the meantime, kDuplicate when documents violate a unique one.
void apply_indexes(Session& session, const IndexPlan& plan);

// Both; gives the plan that was applied.
IndexPlan create_indexes(Session& session, std::span<const IndexSpec> wanted);

}  // namespace gesso::mongo
