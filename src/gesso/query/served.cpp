#include "gesso/query/served.hpp"

namespace gesso::query::detail {

bson::Document sort_along(std::span<const KeyPart> keys, int direction) {
  bson::Builder builder;
  if (direction != 0) {
    for (const KeyPart& key : keys) {
      builder.append(key.name, static_cast<int>(key.direction) * direction);
    }
  }
  return builder.finish();
}

}  // namespace gesso::query::detail
