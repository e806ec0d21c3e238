#include "gesso/localdb/engine/distinct_values.hpp"

namespace gesso::localdb {
namespace {

using Visit = std::function<void(bson::Value)>;

void walk(bson::Value value, const FieldPath& path, std::size_t depth, const Visit& visit);

void step(bson::View document, const FieldPath& path, std::size_t depth, const Visit& visit) {
  if (const bson::Value value = document[path[depth]]) walk(value, path, depth + 1, visit);
}

// What stands at `value`, reached through the first `depth` components.
void walk(bson::Value value, const FieldPath& path, std::size_t depth, const Visit& visit) {
  if (depth == path.size()) {
    if (!value.is_array()) {
      visit(value);
      return;
    }
    for (const auto& [key, element] : value.as_document()) visit(element);
    return;
  }
  if (value.is_document()) {
    step(value.as_document(), path, depth, visit);
  } else if (value.is_array()) {
    if (array_index(path[depth])) step(value.as_document(), path, depth, visit);
    for (const auto& [key, element] : value.as_document()) {
      if (element.is_document()) step(element.as_document(), path, depth, visit);
    }
  }
}

}  // namespace

void for_each_distinct(bson::View document, const FieldPath& path, const Visit& visit) {
  step(document, path, 0, visit);
}

}  // namespace gesso::localdb
