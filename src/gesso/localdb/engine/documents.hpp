// What a document must be to be stored, and what is put right on the way.
#pragma once

#include <deque>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/language/empty_timestamp.hpp"

namespace gesso::localdb {

// A client's document as it is stored: an `_id` is made where there is none and stands first, an
// empty timestamp of the top level becomes now unless it is to be kept. The view is the document
// itself, or one that `owned` keeps. Throws CommandError: 10334, 15 for depth, 53 and 52 for what
// no `_id` can be.
[[nodiscard]] bson::View prepare_insert(bson::View document, Services& services,
                                        std::deque<bson::Document>& owned, EmptyTimestamps empty);

// Throws CommandError (10334, 15) for a document that an update made too large or too deep.
void check_fits(bson::View document);

}  // namespace gesso::localdb
