#include "gesso/schema/decode.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "gesso/schema/violation.hpp"

namespace gesso::schema {

Path At::path() const {
  Path path;
  for (const At* at = this; at->up != nullptr; at = at->up) {
    if (at->index == kNoIndex) {
      path.emplace_back(std::string(at->name));
    } else {
      path.emplace_back(at->index);
    }
  }
  std::ranges::reverse(path);
  return path;
}

void Decoding::add(const At& at, Violation violation) {
  if (violations_.size() >= kMaxViolations) return;
  Path path = at.path();
  std::ranges::move(violation.path, std::back_inserter(path));
  violation.path = std::move(path);
  violations_.push_back(std::move(violation));
}

std::optional<Violation> read(bson::Value value, Format /*format*/, std::string_view& into) {
  if (!value.is_string()) {
    return wrong_type("string_type", "Input should be a valid string", value);
  }
  into = value.as_string();
  return std::nullopt;
}

std::optional<Violation> read(bson::Value value, Format /*format*/, std::int64_t& into) {
  if (!value.is_number()) {
    return wrong_type("int_type", "Input should be a valid integer", value);
  }
  const std::optional<std::int64_t> integer = value.integer();
  if (!integer) {
    const double number = value.number();
    if (std::isfinite(number) && std::trunc(number) == number) {
      return wrong_type("int_parsing_size", "Input should be an integer that fits 64 bits", value);
    }
    return wrong_type("int_from_float",
                      "Input should be a valid integer, got a number with a fractional part",
                      value);
  }
  into = *integer;
  return std::nullopt;
}

std::optional<Violation> read(bson::Value value, Format /*format*/, double& into) {
  if (!value.is_number()) {
    return wrong_type("float_type", "Input should be a valid number", value);
  }
  into = value.number();
  if (!std::isfinite(into)) {
    return wrong_type("finite_number", "Input should be a finite number", value);
  }
  return std::nullopt;
}

std::optional<Violation> read(bson::Value value, Format /*format*/, bool& into) {
  if (!value.is(bson::Type::kBool)) {
    return wrong_type("bool_type", "Input should be a valid boolean", value);
  }
  into = value.as_bool();
  return std::nullopt;
}

std::optional<Violation> read(bson::Value value, Format format, Time& into) {
  if (format == Format::kBson) {
    if (!value.is(bson::Type::kDate)) {
      return wrong_type("datetime_type", "Input should be a valid datetime", value);
    }
    into = value.as_date();
    return std::nullopt;
  }
  if (!value.is_string()) {
    return wrong_type("datetime_type", "Input should be a valid datetime", value);
  }
  const std::optional<Time> time = parse_iso8601(value.as_string());
  if (!time) {
    return wrong_type("datetime_parsing",
                      "Input should be a valid datetime, as in 2026-01-31T12:00:00Z", value);
  }
  into = *time;
  return std::nullopt;
}

Error undecodable(std::string_view ns, bson::View document, std::vector<Violation> violations) {
  const Error listed = validation_error(violations);
  std::string message(ns);
  message += ": the document with _id " + found_text(document["_id"]) + " does not decode: ";
  message += listed.what();
  return Error(ErrorKind::kInternal, message,
               {.ns = std::string(ns), .operation = "decode", .violations = std::move(violations)});
}

}  // namespace gesso::schema
