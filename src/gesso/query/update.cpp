#include "gesso/query/update.hpp"

#include <algorithm>

namespace gesso::query::detail {

bson::Document write(const std::vector<Change>& changes) {
  std::vector<std::string_view> operations;  // in the order of their first change
  for (const Change& change : changes) {
    if (std::ranges::find(operations, change.operation) == operations.end()) {
      operations.push_back(change.operation);
    }
  }
  bson::Builder builder;
  for (const std::string_view operation : operations) {
    const auto fields = builder.document(operation);
    for (const Change& change : changes) {
      if (change.operation == operation) builder.append(change.path, change.value.view());
    }
  }
  return builder.finish();
}

}  // namespace gesso::query::detail
