// The stages that make one document of one document: $project, $addFields, $set, $unset,
// $replaceRoot, $replaceWith. What pipeline updates may hold.
#pragma once

#include <memory>
#include <string_view>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/match/matcher.hpp"

namespace gesso::localdb {

// Immutable, thread-safe.
class DocumentTransform {
 public:
  DocumentTransform() = default;
  DocumentTransform(const DocumentTransform&) = delete;
  DocumentTransform& operator=(const DocumentTransform&) = delete;
  virtual ~DocumentTransform() = default;

  [[nodiscard]] virtual bson::Document apply(bson::View document) const = 0;
};

using DocumentTransformPtr = std::unique_ptr<const DocumentTransform>;

// By the stage's name; null for a stage that is none of these. Throws CommandError.
[[nodiscard]] DocumentTransformPtr make_transform(std::string_view name, bson::Value spec,
                                                  const Variables& variables);

}  // namespace gesso::localdb
