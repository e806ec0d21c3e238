// Plans as explain shows them. Private to plan/.
#pragma once

#include "gesso/bson/view.hpp"
#include "gesso/localdb/plan/execution.hpp"
#include "gesso/localdb/plan/plan.hpp"

namespace gesso::localdb {

// The tree of stages, from the last to the first; with counts where `stats` is given.
[[nodiscard]] bson::Document describe_stages(const Plan& plan, const ExecutionStats* stats);

}  // namespace gesso::localdb
