#include "gesso/query/index.hpp"

#include "gesso/bson/builder.hpp"

namespace gesso::query::detail {

bson::IndexSpec make_spec(IndexKind kind, std::span<const KeyPart> keys) {
  bson::Builder builder;
  for (const KeyPart& part : keys) builder.append(part.name, static_cast<int>(part.direction));
  bson::IndexSpec spec{.keys = builder.finish()};
  spec.name = bson::default_index_name(spec.keys);
  switch (kind) {
    case IndexKind::kPlain:
    case IndexKind::kLookup:
      break;
    case IndexKind::kUnique:
      spec.unique = true;
      break;
    case IndexKind::kUniqueWhenPresent:
      spec.unique = true;
      spec.partial_filter =
          bson::make_document(spec.leading_field(), bson::make_document("$exists", true));
      break;
    case IndexKind::kTtl:
      spec.expire_after_seconds = 0;  // the field says when
      break;
  }
  return spec;
}

}  // namespace gesso::query::detail
