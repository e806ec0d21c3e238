// JSON Schema (2020-12) of a described struct, from its declaration.
//
// Fields that JSON never has (`hashed_password`, internal ones) are not in it.
#pragma once

#include "gesso/schema/codec.hpp"

namespace gesso::schema {

// The JSON Schema of a struct without `$schema`, to be put into a larger document (OpenAPI).
template <Described T>
[[nodiscard]] bson::Document json_schema_fragment(SchemaUse use = SchemaUse::kInput) {
  bson::Builder keywords;
  Codec<T>::json_schema(keywords, use);
  return keywords.finish();
}

template <Described T>
[[nodiscard]] bson::Document json_schema(SchemaUse use = SchemaUse::kInput) {
  bson::Builder keywords;
  keywords.append("$schema", "https://json-schema.org/draft/2020-12/schema");
  Codec<T>::json_schema(keywords, use);
  return keywords.finish();
}

}  // namespace gesso::schema
