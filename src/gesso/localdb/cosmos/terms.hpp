// Indexed terms of a document, which its writes pay for.
#pragma once

#include <cstddef>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/cosmos/container.hpp"
#include "gesso/localdb/storage/catalog.hpp"

namespace gesso::localdb::cosmos {

// `_id`, the shard key, one for each single-field index that the document has a value for (of an
// array one for each element) and for each value below a wildcard, one for each compound index.
[[nodiscard]] std::size_t terms_of(const Collection& collection, const Container& container,
                                   bson::View document);
// How many of them an update changes.
[[nodiscard]] std::size_t changed_terms(const Collection& collection, bson::View before,
                                        bson::View after);

}  // namespace gesso::localdb::cosmos
