// BSON to and from MongoDB Extended JSON v2, by libbson.
#pragma once

#include <string>
#include <string_view>

#include "gesso/bson/view.hpp"

namespace gesso::bson {

enum class JsonFormat { kRelaxed, kCanonical };

[[nodiscard]] std::string to_json(View document, JsonFormat format = JsonFormat::kRelaxed);
// A value alone: `"text"`, `5`, `{"$date": ...}`; "(missing)" for a missing one.
[[nodiscard]] std::string to_json(Value value, JsonFormat format = JsonFormat::kRelaxed);

// The beginning of it, for a message: about `most_bytes` of the text and "..." where there is more,
// however large the value is.
[[nodiscard]] std::string to_short_json(Value value, std::size_t most_bytes);

// Throws Error (kValidation) that says where the text is wrong.
[[nodiscard]] Document from_json(std::string_view text);

}  // namespace gesso::bson
