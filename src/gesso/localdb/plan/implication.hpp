// Whether a query asks only for documents that a partial or sparse index holds.
//
// Pure; says no in doubt. Private to plan/.
#pragma once

#include <vector>

#include "gesso/localdb/index/spec.hpp"
#include "gesso/localdb/language/match/matcher.hpp"

namespace gesso::localdb {

// Whether the index has an entry for every document that meets all `predicates`.
[[nodiscard]] bool holds_all_that_match(const IndexSpec& spec,
                                        const std::vector<Predicate>& predicates);

}  // namespace gesso::localdb
