#include "gesso/query/index.hpp"

namespace gesso::query {

bson::Document to_bson(const IndexSpec& spec) {
  bson::Builder builder;
  builder.append("key", spec.keys).append("name", spec.name);
  if (spec.unique()) builder.append("unique", true);
  if (spec.kind == IndexKind::kUniqueWhenPresent) {
    const auto filter = builder.document("partialFilterExpression");
    builder.append(spec.leading_field(), bson::make_document("$exists", true));
  }
  if (spec.kind == IndexKind::kTtl) builder.append("expireAfterSeconds", 0);
  return builder.finish();
}

namespace detail {

IndexSpec make_spec(IndexKind kind, std::span<const KeyPart> keys) {
  IndexSpec spec;
  spec.kind = kind;
  bson::Builder builder;
  for (const KeyPart& part : keys) {
    const int direction = static_cast<int>(part.direction);
    builder.append(part.name, direction);
    if (!spec.name.empty()) spec.name += '_';
    spec.name += std::string(part.name) + '_' + std::to_string(direction);
  }
  spec.keys = builder.finish();
  return spec;
}

}  // namespace detail

}  // namespace gesso::query
