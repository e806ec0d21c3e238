// JSON Schema (2020-12) of a described struct, from its declaration.
//
// Fields that JSON never has (`hashed_password`, internal ones) are not in it.
#pragma once

#include "gesso/schema/codec.hpp"

namespace gesso::schema {

// Without `$schema`, to be put into a larger document (OpenAPI).
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

template <Described T>
void Codec<T>::json_schema(bson::Builder& keywords, SchemaUse use) {
  if (!name_of<T>().empty()) keywords.append("title", name_of<T>());
  if (!about<T>().empty()) keywords.append("description", about<T>());
  keywords.append("type", "object");
  const T defaults = Access::make<T>();
  {
    const auto properties = keywords.document("properties");
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using F = detail::TypeOf<decltype(member)>;
      const std::size_t at = i++;
      if constexpr (requires { Codec<F>::json_schema(keywords); }) {
        if (!kVisible[at] || (use == SchemaUse::kOutput && !InJson<F>)) return;
        const auto property = keywords.document(kJsonNames[at]);
        Codec<F>::json_schema(keywords);
        if (!kFieldsOf<T>[at].about.empty()) {
          keywords.append("description", kFieldsOf<T>[at].about);
        }
        if constexpr (InBson<F>) {
          if (kFieldsOf<T>[at].has_default()) {
            Codec<F>::append(keywords, "default", defaults.*member.pointer);
          }
        }
      }
    });
  }
  {
    const auto required = keywords.array("required");
    for (std::size_t i = 0; i < kCount; ++i) {
      if (kVisible[i] && (use == SchemaUse::kOutput || !kOptional[i])) {
        keywords.push(kJsonNames[i]);
      }
    }
  }
  if (use == SchemaUse::kInput) keywords.append("additionalProperties", false);
}

}  // namespace gesso::schema
