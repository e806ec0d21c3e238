// How the documents of a collection are stored on a server that lacks what its indexes ask for:
// with fields beside the declared ones, which no reader looks at.
//
//  - Where TTL counts from the last change (Azure Cosmos DB RU): `ttl`, the seconds from this write
//    to the moment in the field that the TTL index is declared on.
//  - Where there are no partial indexes: what is unique when present stands once more under
//    `unique_FIELD`, and where it is absent the document's own `_id` does, since a plain unique
//    index takes absent as null, once.
//
// A value and pure functions of it; thread-safe. On servers that lack nothing each costs a look at
// two booleans, and documents and updates go through as they are.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/bson/index_spec.hpp"
#include "gesso/bson/view.hpp"
#include "gesso/mongo/dialect.hpp"

namespace gesso::mongo {

// "unique_stripe_subscription_id". Fields within others have none: what is unique among the
// elements of lists cannot stand under one name.
[[nodiscard]] std::optional<std::string> surrogate_of(const bson::IndexSpec& index,
                                                      const DialectTraits& traits);

class StoredForm {
  std::string ttl_field_;                // empty where nothing expires
  std::vector<bson::IndexSpec> unique_;  // those that are unique when present

 public:
  // Of a collection by its declared indexes.
  explicit StoredForm(std::span<const bson::IndexSpec> declared);

  // The document as it is inserted.
  [[nodiscard]] bson::Document inserted(bson::View document, Time now,
                                        const DialectTraits& traits) const;

  // The fields that `updated` has to know of a document which the filter finds, as a projection;
  // empty where the update and the filter tell all.
  [[nodiscard]] bson::Document needed(bson::View filter, bson::View update,
                                      const DialectTraits& traits) const;
  // The update as it is sent. `stored`: what is stored of the document that it changes, with the
  // fields of `needed`; empty where none are, and for an update that inserts.
  [[nodiscard]] bson::Document updated(bson::View filter, bson::View update, bson::View stored,
                                       Time now, const DialectTraits& traits) const;

 private:
  [[nodiscard]] bool adds_nothing(const DialectTraits& traits) const;
};

// What `ttl` must say at `now` for a document to go at `expires_at`: at least 1, since 0 is not
// allowed. Reads hide what is due before then.
[[nodiscard]] std::int32_t ttl_seconds(Time now, Time expires_at);

}  // namespace gesso::mongo
