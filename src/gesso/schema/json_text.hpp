// Writes JSON text, piece by piece, at the end of a string.
//
// Text in is UTF-8; bytes that are not become U+FFFD, so that what goes out always is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gesso/bson/view.hpp"

namespace gesso::schema {

void write_json_string(std::string& out, std::string_view text);
// With their lengths, which a compiler doesn't look at for a literal that it is to append.
inline void write_json_null(std::string& out) { out.append("null", 4); }
inline void write_json_bool(std::string& out, bool value) {
  value ? out.append("true", 4) : out.append("false", 5);
}
void write_json_integer(std::string& out, std::int64_t value);
// "null" for what JSON has no number for.
void write_json_number(std::string& out, double value);

// Plain JSON, not Extended JSON: dates in ISO 8601, object ids in hexadecimal, decimals as
// strings, binary in base64; types that have no such habit as Extended JSON.
void write_json_value(std::string& out, bson::Value value);
void write_json_object(std::string& out, bson::View document);
[[nodiscard]] std::string json_text(bson::View document);

}  // namespace gesso::schema
