// The operators on strings, but for regular expressions.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "gesso/base/meter.hpp"
#include "gesso/base/text.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/convert.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Value;

std::string_view require_string(Value value, int code, const std::string& what) {
  if (!value.is_string()) {
    throw CommandError(code, what + " requires a string argument, found: " + type_text(value));
  }
  return value.as_string();
}

// In time linear in both, which std::string_view::find is not.
std::size_t find_text(std::string_view text, std::string_view wanted, std::size_t from = 0) {
  if (from > text.size()) return std::string_view::npos;
  const void* const at =
      ::memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
  return at == nullptr ? std::string_view::npos
                       : static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
}

Value concat(Evaluation& evaluation, Arguments arguments) {
  std::string result;
  for (const Value argument : arguments) {
    if (is_nullish(argument)) return Arena::null();
    if (!argument.is_string()) {
      throw CommandError(16702, "$concat only supports strings, not " + type_text(argument));
    }
    result += argument.as_string();
  }
  return evaluation.arena.string(result);
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

template <char (*kMap)(char)>
Value map_letters(Evaluation& evaluation, Arguments arguments) {
  std::string text = coerce_to_string(arguments[0]);
  std::ranges::transform(text, text.begin(), kMap);
  return evaluation.arena.string(text);
}

Value strcasecmp_of(Evaluation& evaluation, Arguments arguments) {
  std::string left = coerce_to_string(arguments[0]);
  std::string right = coerce_to_string(arguments[1]);
  std::ranges::transform(left, left.begin(), upper);
  std::ranges::transform(right, right.begin(), upper);
  const int order = left.compare(right);
  return evaluation.arena.int32(order < 0 ? -1 : static_cast<int>(order > 0));
}

std::int64_t whole(Value value, int code, const std::string& what) {
  const auto number = value.is_number() ? value.integer() : std::nullopt;
  if (!number)
    throw CommandError(code, what + " must be an integral number, found " + type_text(value));
  return *number;
}

// Toward zero; NaN as 0, and what no int64 holds as the nearest that one does.
std::int64_t truncated(Value number) {
  if (const auto exact = number.integer()) return *exact;
  const double value = number.number();
  if (std::isnan(value)) return 0;
  if (value >= 0x1p63) return INT64_MAX;
  return value < -0x1p63 ? INT64_MIN : static_cast<std::int64_t>(value);
}

// Counts bytes and refuses to cut a character; a negative length takes the rest.
Value substr_bytes(Evaluation& evaluation, Arguments arguments) {
  const std::string text = coerce_to_string(arguments[0]);
  if (!arguments[1].is_number()) {
    throw CommandError(16034,
                       "$substrBytes:  starting index must be a numeric type (is BSON type " +
                           type_text(arguments[1]) + ")");
  }
  if (!arguments[2].is_number()) {
    throw CommandError(16035, "$substrBytes:  length must be a numeric type (is BSON type " +
                                  type_text(arguments[2]) + ")");
  }
  const std::int64_t start = truncated(arguments[1]);
  const std::int64_t wanted = truncated(arguments[2]);
  if (start < 0) throw CommandError(50752, "$substrBytes:  starting index must be non-negative");
  const std::size_t begin = std::min(text.size(), static_cast<std::size_t>(start));
  const std::size_t rest = text.size() - begin;
  const std::size_t length = wanted < 0 ? rest : std::min(rest, static_cast<std::size_t>(wanted));
  if (begin < text.size() && is_continuation(text[begin])) {
    throw CommandError(28656,
                       "$substrBytes:  Invalid range, starting index is a UTF-8 continuation "
                       "byte.");
  }
  if (begin + length < text.size() && is_continuation(text[begin + length])) {
    throw CommandError(28657,
                       "$substrBytes:  Invalid range, ending index is in the middle of a "
                       "UTF-8 character.");
  }
  return evaluation.arena.string(std::string_view(text).substr(begin, length));
}

// `code` is for what is no number, the next one for a number that is not whole.
std::int64_t code_point_number(Value value, int code, const std::string& what) {
  if (!value.is_number()) {
    throw CommandError(code, "$substrCP: " + what + " must be a numeric type (is BSON type " +
                                 type_text(value) + ")");
  }
  return whole(value, code + 1, "$substrCP: " + what);
}

Value substr_code_points(Evaluation& evaluation, Arguments arguments) {
  const std::string text = coerce_to_string(arguments[0]);
  const std::int64_t start = code_point_number(arguments[1], 34450, "starting index");
  const std::int64_t length = code_point_number(arguments[2], 34452, "length");
  if (start < 0) {
    throw CommandError(34455, "$substrCP: the starting index must be nonnegative integer.");
  }
  if (length < 0) throw CommandError(34454, "$substrCP: length must be a nonnegative integer.");
  std::string_view rest = text;
  rest.remove_prefix(byte_of_code_point(rest, static_cast<std::size_t>(start)));
  return evaluation.arena.string(
      rest.substr(0, byte_of_code_point(rest, static_cast<std::size_t>(length))));
}

Value length_bytes(Evaluation& evaluation, Arguments arguments) {
  const std::string_view text = require_string(arguments[0], 34473, "$strLenBytes");
  return evaluation.arena.int32(static_cast<std::int32_t>(text.size()));
}

Value length_code_points(Evaluation& evaluation, Arguments arguments) {
  const std::string_view text = require_string(arguments[0], 34471, "$strLenCP");
  return evaluation.arena.int32(static_cast<std::int32_t>(count_code_points(text)));
}

Value split(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0]) || is_nullish(arguments[1])) return Arena::null();
  if (!arguments[0].is_string()) {
    throw CommandError(40085,
                       "$split requires an expression that evaluates to a string as a first "
                       "argument, found: " +
                           type_text(arguments[0]));
  }
  if (!arguments[1].is_string()) {
    throw CommandError(40086,
                       "$split requires an expression that evaluates to a string as a second "
                       "argument, found: " +
                           type_text(arguments[1]));
  }
  std::string_view rest = arguments[0].as_string();
  const std::string_view separator = arguments[1].as_string();
  if (separator.empty()) throw CommandError(40087, "$split requires a non-empty separator");
  bson::Builder parts;
  for (;;) {
    const std::size_t at = find_text(rest, separator);
    charge(Meter::kStep + std::min(at, rest.size()));
    parts.push(rest.substr(0, at));
    if (at == std::string_view::npos) return evaluation.arena.array(std::move(parts));
    rest.remove_prefix(at + separator.size());
  }
}

struct Bounds {
  std::size_t start = 0;
  std::size_t end = 0;
};

// The optional third and fourth argument of $indexOf...
std::optional<Bounds> index_bounds(Arguments arguments, std::size_t size, const std::string& name) {
  Bounds bounds{.start = 0, .end = size};
  const auto parse = [&](std::size_t i, const char* what) {
    const std::int64_t value = whole(arguments[i], 40096, name + " " + what + " index");
    if (value < 0) {
      throw CommandError(40097, name + " requires a nonnegative " + what +
                                    " index, found: " + std::to_string(value));
    }
    return static_cast<std::size_t>(value);
  };
  if (arguments.size() > 2) bounds.start = parse(2, "starting");
  if (arguments.size() > 3) bounds.end = std::min(size, parse(3, "ending"));
  if (bounds.start > bounds.end) return std::nullopt;
  return bounds;
}

void require_index_strings(Arguments arguments, const std::string& name, int first, int second) {
  if (!arguments[0].is_string()) {
    throw CommandError(first, name + " requires a string as the first argument, found: " +
                                  type_text(arguments[0]));
  }
  if (!arguments[1].is_string()) {
    throw CommandError(second, name + " requires a string as the second argument, found: " +
                                   type_text(arguments[1]));
  }
}

Value index_of_bytes(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  require_index_strings(arguments, "$indexOfBytes", 40091, 40092);
  const std::string_view text = arguments[0].as_string();
  const auto bounds = index_bounds(arguments, text.size(), "$indexOfBytes");
  if (!bounds) return evaluation.arena.int32(-1);
  const std::size_t at =
      find_text(text.substr(0, bounds->end), arguments[1].as_string(), bounds->start);
  return evaluation.arena.int32(at == std::string_view::npos ? -1 : static_cast<std::int32_t>(at));
}

Value index_of_code_points(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  require_index_strings(arguments, "$indexOfCP", 40093, 40094);
  const std::string_view text = arguments[0].as_string();
  const auto bounds = index_bounds(arguments, count_code_points(text), "$indexOfCP");
  if (!bounds) return evaluation.arena.int32(-1);
  const std::string_view searched = text.substr(0, byte_of_code_point(text, bounds->end));
  const std::size_t at =
      find_text(searched, arguments[1].as_string(), byte_of_code_point(text, bounds->start));
  if (at == std::string_view::npos) return evaluation.arena.int32(-1);
  return evaluation.arena.int32(static_cast<std::int32_t>(count_code_points(text.substr(0, at))));
}

// What $trim takes off without `chars`.
constexpr std::array<std::string_view, 20> kWhitespace = {std::string_view("\0", 1),
                                                          " ",
                                                          "\t",
                                                          "\n",
                                                          "\v",
                                                          "\f",
                                                          "\r",
                                                          "\xC2\xA0",
                                                          "\xE1\x9A\x80",
                                                          "\xE2\x80\x80",
                                                          "\xE2\x80\x81",
                                                          "\xE2\x80\x82",
                                                          "\xE2\x80\x83",
                                                          "\xE2\x80\x84",
                                                          "\xE2\x80\x85",
                                                          "\xE2\x80\x86",
                                                          "\xE2\x80\x87",
                                                          "\xE2\x80\x88",
                                                          "\xE2\x80\x89",
                                                          "\xE2\x80\x8A"};

std::vector<std::string_view> trimmed_characters(Value chars) {
  if (chars.is_missing()) return {kWhitespace.begin(), kWhitespace.end()};
  std::vector<std::string_view> result;
  std::string_view rest = chars.as_string();
  while (!rest.empty()) {
    charge(Meter::kStep);
    const std::size_t length = byte_of_code_point(rest, 1);
    result.push_back(rest.substr(0, length));
    rest.remove_prefix(length);
  }
  return result;
}

template <bool kLeft, bool kRight>
Value trim(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  if (!arguments[0].is_string()) {
    throw CommandError(50699, "$trim requires its input to be a string, got " +
                                  type_text(arguments[0]) + " instead.");
  }
  if (is_nullish(arguments[1]) && !arguments[1].is_missing()) return Arena::null();
  if (!arguments[1].is_missing() && !arguments[1].is_string()) {
    throw CommandError(50700, "$trim requires 'chars' to be a string, got " +
                                  type_text(arguments[1]) + " instead.");
  }
  std::string_view text = arguments[0].as_string();
  const auto characters = trimmed_characters(arguments[1]);
  const auto strip = [&](auto begins, auto remove) {
    for (;;) {
      charge(Meter::kStep + characters.size());
      const auto found = std::ranges::find_if(characters, begins);
      if (found == characters.end()) return;
      remove(found->size());
    }
  };
  if (kLeft) {
    strip([&](std::string_view c) { return text.starts_with(c); },
          [&](std::size_t size) { text.remove_prefix(size); });
  }
  if (kRight) {
    strip([&](std::string_view c) { return text.ends_with(c); },
          [&](std::size_t size) { text.remove_suffix(size); });
  }
  return evaluation.arena.string(text);
}

void require_replace_argument(Value value, int code, const char* what) {
  if (is_nullish(value) || value.is_string()) return;
  throw CommandError(code, std::string("$replaceAll requires that '") + what +
                               "' be a string, found: " + type_text(value));
}

template <bool kAll>
Value replace(Evaluation& evaluation, Arguments arguments) {
  require_replace_argument(arguments[0], 51746, "input");
  require_replace_argument(arguments[1], 51745, "find");
  require_replace_argument(arguments[2], 51744, "replacement");
  if (std::ranges::any_of(arguments, is_nullish)) return Arena::null();
  std::string_view rest = arguments[0].as_string();
  const std::string_view find = arguments[1].as_string();
  const std::string_view replacement = arguments[2].as_string();
  std::string result;
  if (find.empty()) {
    // Before every character, and behind the last.
    result = replacement;
    while (kAll && !rest.empty()) {
      charge(Meter::kStep + replacement.size());
      const std::size_t length = byte_of_code_point(rest, 1);
      result += rest.substr(0, length);
      result += replacement;
      rest.remove_prefix(length);
    }
  }
  while (!find.empty()) {
    const std::size_t at = find_text(rest, find);
    charge(Meter::kStep + std::min(at, rest.size()) + replacement.size());
    if (at == std::string_view::npos) break;
    result += rest.substr(0, at);
    result += replacement;
    rest.remove_prefix(at + find.size());
    if (!kAll) break;
  }
  result += rest;
  return evaluation.arena.string(result);
}

constexpr std::array kFunctions = {
    FunctionEntry{"$concat", 0, kAnyNumber, concat},
    FunctionEntry{"$toLower", 1, 1, map_letters<lower>},
    FunctionEntry{"$toUpper", 1, 1, map_letters<upper>},
    FunctionEntry{"$strcasecmp", 2, 2, strcasecmp_of},
    FunctionEntry{"$substr", 3, 3, substr_bytes},
    FunctionEntry{"$substrBytes", 3, 3, substr_bytes},
    FunctionEntry{"$substrCP", 3, 3, substr_code_points},
    FunctionEntry{"$strLenBytes", 1, 1, length_bytes},
    FunctionEntry{"$strLenCP", 1, 1, length_code_points},
    FunctionEntry{"$split", 2, 2, split},
    FunctionEntry{"$indexOfBytes", 2, 4, index_of_bytes},
    FunctionEntry{"$indexOfCP", 2, 4, index_of_code_points},
};

constexpr std::array kTrimArguments = {NamedArgument{"input", true}, NamedArgument{"chars", false}};
constexpr std::array kReplaceArguments = {NamedArgument{"input", true},
                                          NamedArgument{"find", true, 51748},
                                          NamedArgument{"replacement", true, 51747}};

constexpr std::array kNamed = {
    NamedEntry{"$trim", kTrimArguments, trim<true, true>, 50696, 50694, 50695},
    NamedEntry{"$ltrim", kTrimArguments, trim<true, false>, 50696, 50694, 50695},
    NamedEntry{"$rtrim", kTrimArguments, trim<false, true>, 50696, 50694, 50695},
    NamedEntry{"$replaceOne", kReplaceArguments, replace<false>, 51751, 51750, 51749},
    NamedEntry{"$replaceAll", kReplaceArguments, replace<true>, 51751, 51750, 51749},
};

}  // namespace

std::span<const FunctionEntry> string_functions() { return kFunctions; }
std::span<const NamedEntry> string_named() { return kNamed; }

}  // namespace gesso::localdb
