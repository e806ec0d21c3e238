// JSON text to a document, and to a described struct.
#pragma once

#include <string_view>

#include "gesso/schema/codec.hpp"

namespace gesso::schema {

// A JSON object as BSON: integers that fit 64 bits as such, other numbers as doubles. Throws Error
// (kValidation): `json_invalid` with the position as its path for text that is no JSON, is nested
// deeper than 32 levels, names a member twice, has a NUL in a name, or is not UTF-8; `missing` for
// no text at all; `model_attributes_type` for JSON that is no object.
[[nodiscard]] bson::Document parse_json(std::string_view text);

// What a client sent. Throws Error (kValidation) that holds every violation.
template <Described T>
[[nodiscard]] T from_json(std::string_view text) {
  return decode<T>(parse_json(text), Format::kJson);
}

}  // namespace gesso::schema
