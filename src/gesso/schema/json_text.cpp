#include "gesso/schema/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>

#include "gesso/base/base64.hpp"
#include "gesso/base/text.hpp"
#include "gesso/bson/decimal.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::schema {
namespace {

void write_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      const auto byte = static_cast<std::uint8_t>(c);
      out += "\\u00" + hex(std::span(&byte, 1));
  }
}

// Of each byte: whether it stands for itself in a JSON string, is written as an escape, or begins
// or goes on with a code point that has to be looked at.
enum class Kind : std::uint8_t { kPlain, kEscaped, kBeyondAscii };
constexpr std::array<Kind, 256> kKinds = [] {
  std::array<Kind, 256> kinds{};
  for (std::size_t c = 0; c < kinds.size(); ++c) {
    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F) kinds[c] = Kind::kEscaped;
    if (c >= 0x80) kinds[c] = Kind::kBeyondAscii;
  }
  return kinds;
}();
Kind kind_of(char c) { return kKinds[static_cast<unsigned char>(c)]; }

constexpr std::uint64_t each_byte(std::uint64_t value) { return value * 0x0101010101010101U; }
// Its high bit is set in each byte of `word` that is 0; in one above a 0 it may be set too.
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - each_byte(1)) & ~word & each_byte(0x80);
}

// How many bytes at the front stand for themselves.
std::size_t count_plain(std::string_view text) {
  std::size_t plain = 0;
  // Eight at a time: none beyond ASCII, no control, no quote, no backslash, no DEL.
  for (; text.size() - plain >= 8; plain += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + plain, sizeof word);
    const std::uint64_t controls = (word - each_byte(0x20)) & ~word;
    const std::uint64_t others = zero_bytes(word ^ each_byte('"')) |
                                 zero_bytes(word ^ each_byte('\\')) |
                                 zero_bytes(word ^ each_byte(0x7F));
    if (((word | controls | others) & each_byte(0x80)) != 0) break;
  }
  while (plain < text.size() && kind_of(text[plain]) == Kind::kPlain) ++plain;
  return plain;
}

// `text` with every byte that starts no code point replaced.
std::string repaired(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length <= 4 && length <= text.size() && !is_utf8(text.substr(0, length))) {
      ++length;
    }
    if (length > 4 || length > text.size()) {
      result += "\xEF\xBF\xBD";
      length = 1;
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return result;
}

}  // namespace

namespace {

// `rest` is what begins with the first byte that is not plain.
void write_rest_of_string(std::string& out, std::string_view rest) {
  if (!is_utf8(rest)) return write_rest_of_string(out, repaired(rest));
  std::size_t copied = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (kind_of(rest[i]) != Kind::kEscaped) continue;
    out.append(rest, copied, i - copied);
    write_escape(out, rest[i]);
    copied = i + 1;
  }
  out.append(rest, copied);
}

}  // namespace

void write_json_string(std::string& out, std::string_view text) {
  const std::size_t plain = count_plain(text);
  const std::size_t begin = out.size();
  // All in one: most texts are plain throughout.
  out.resize(begin + plain + 2, '"');
  text.copy(out.data() + begin + 1, plain);
  if (plain == text.size()) return;
  out.pop_back();
  write_rest_of_string(out, text.substr(plain));
  out += '"';
}

void write_json_integer(std::string& out, std::int64_t value) {
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
}

void write_json_number(std::string& out, double value) {
  if (!std::isfinite(value)) return write_json_null(out);
  out += number_text(value);
}

void write_json_value(std::string& out, bson::Value value) {
  switch (value.type()) {
    case bson::Type::kMissing:
    case bson::Type::kNull:
    case bson::Type::kUndefined:
      return write_json_null(out);
    case bson::Type::kString:
    case bson::Type::kSymbol:
      return write_json_string(out, value.as_string());
    case bson::Type::kInt32:
      return write_json_integer(out, value.as_int32());
    case bson::Type::kInt64:
      return write_json_integer(out, value.as_int64());
    case bson::Type::kDouble:
      return write_json_number(out, value.as_double());
    case bson::Type::kBool:
      return write_json_bool(out, value.as_bool());
    case bson::Type::kDate:
      out += '"';
      append_iso8601(out, value.as_date());
      out += '"';
      return;
    case bson::Type::kDecimal128:
      return write_json_string(out, bson::to_string(value.as_decimal128()));
    case bson::Type::kObjectId:
      out += '"' + hex(value.as_object_id().bytes) + '"';
      return;
    case bson::Type::kBinary:
      out += '"' + base64_encode(as_text(value.as_binary().bytes)) + '"';
      return;
    case bson::Type::kDocument:
      return write_json_object(out, value.as_document());
    case bson::Type::kArray: {
      out += '[';
      bool first = true;
      for (const bson::Element& element : value.as_document()) {
        if (!first) out += ',';
        first = false;
        write_json_value(out, element.value);
      }
      out += ']';
      return;
    }
    default:
      out += bson::to_json(value);
  }
}

void write_json_object(std::string& out, bson::View document) {
  out += '{';
  bool first = true;
  for (const bson::Element& element : document) {
    if (!first) out += ',';
    first = false;
    write_json_string(out, element.key);
    out += ':';
    write_json_value(out, element.value);
  }
  out += '}';
}

std::string json_text(bson::View document) {
  std::string out;
  write_json_object(out, document);
  return out;
}

}  // namespace gesso::schema
