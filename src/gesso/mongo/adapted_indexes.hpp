// What a dialect makes of the indexes that are declared for a collection. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/index_spec.hpp"
#include "gesso/mongo/dialect.hpp"

namespace gesso::mongo {

struct CollectionIndex {
  std::string collection;
  bson::IndexSpec spec;
  // Whether a query may sort along it; one that serves filters alone is declared as query::Lookup.
  bool sorts = true;
  // Whether it is of a field that few documents have, and that every query asks to be missing.
  bool guards = false;
};

// An index to be made, and for people why, where it is not simply what was declared.
struct AdaptedIndex {
  bson::IndexSpec spec;
  std::string note = {};
};

// A declaration for which nothing of its own is made.
struct DroppedIndex {
  bson::IndexSpec spec;
  std::string why;
};

struct AdaptedIndexes {
  std::vector<AdaptedIndex> made = {};
  std::vector<DroppedIndex> dropped = {};
};

// Where compound indexes serve filters, one index a declaration, but none of a guard, which is
// looked at in what the other conditions found. On Azure Cosmos DB (RU) they do
// not (https://learn.microsoft.com/azure/cosmos-db/mongodb/indexing):
//  - each field of a declared index gets an index of its own, once, but `_id` and the shard key,
//    which have one; a compound one is made besides where it may be sorted along;
//  - a guard too, for a condition without an index loads what all others found. It costs the
//    documents that have the field only;
//  - a TTL index is on `_ts` with no default (documents carry their own `ttl`);
//  - what is unique when present is unique under the name of its surrogate (stored_form.hpp); among
//    the elements of lists nothing is;
//  - what is unique is so within a shard key: the key comes first, and where it is `_id` nothing
//    else is unique;
//  - `sparse` is never sent: it is accepted and ignored there.
// All declarations are of one collection; `shard_key` is empty where it has none.
[[nodiscard]] AdaptedIndexes adapt(std::span<const CollectionIndex> declared,
                                   const DialectTraits& traits, std::string_view shard_key = {});

}  // namespace gesso::mongo
