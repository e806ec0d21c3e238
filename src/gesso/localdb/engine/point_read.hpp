// The find that most finds are: one document by its `_id`, answered without a plan, a matcher and a
// cursor. What it does not understand goes the long way.
#pragma once

#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/match/projection.hpp"

namespace gesso::localdb {

struct Context;

// The projections that a connection asked for last, compiled; a client sends the same few again and
// again. Belongs to the connection's thread.
class RecentProjections {
  struct Entry {
    bson::Document specification;
    Projection projection;
  };
  std::vector<Entry> entries_;
  std::size_t oldest_ = 0;

 public:
  // Compiled now or before; null for one that reads more than the document (an expression), which
  // is not kept. Valid until the next call. Throws CommandError as `Projection::compile` does.
  [[nodiscard]] const Projection* find(bson::View specification);
};

// Answers a find of `{_id: value}` that asks for nothing but a projection and a limit. False, and
// nothing was done, for any other. Throws CommandError.
[[nodiscard]] bool answer_point_read(Context& context);

}  // namespace gesso::localdb
