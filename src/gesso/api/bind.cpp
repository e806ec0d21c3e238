#include "gesso/api/bind.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "gesso/base/text.hpp"
#include "gesso/schema/json.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::api::detail {
namespace {

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  if (equal_ignoring_case(type, "application/json")) return true;
  constexpr std::string_view kTree = "application/";
  constexpr std::string_view kSuffix = "+json";
  return type.size() > kTree.size() + kSuffix.size() &&
         equal_ignoring_case(type.substr(0, kTree.size()), kTree) &&
         equal_ignoring_case(type.substr(type.size() - kSuffix.size()), kSuffix);
}

// As Pydantic tells that a text is no value of the type.
Violation unparsable(std::string_view type, std::string_view what, std::string_view text) {
  return {.path = {},
          .type = std::string(type),
          .message = "Input should be a valid " + std::string(what) +
                     ", unable to parse string as " + (what.starts_with('i') ? "an " : "a ") +
                     std::string(what),
          .expected = std::string(what),
          .found = std::string(text)};
}

template <class N>
std::optional<N> parse_number(std::string_view text) {
  N number{};
  const char* const end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && read == end ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string header_name(std::string_view field) {
  std::string name(field);
  bool first = true;
  for (char& c : name) {
    if (c == '_') c = '-';
    if (first && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    first = c == '-';
  }
  return name;
}

bool names_parameter(std::string_view path, std::string_view name) noexcept {
  for (std::size_t at = path.find('{'); at != std::string_view::npos; at = path.find('{', at + 1)) {
    if (path.substr(at + 1, path.find('}', at) - at - 1) == name) return true;
  }
  return false;
}

std::optional<std::string_view> Parameters::path(std::string_view name) const {
  for (const auto& [known, value] : parts_.path) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Parameters::header(std::string_view name) const {
  return parts_.request.headers.find(header_name(name));
}

std::optional<std::string_view> Parameters::query(std::string_view name) const {
  for (auto parameter = query_.rbegin(); parameter != query_.rend(); ++parameter) {
    if (parameter->first == name) return parameter->second;
  }
  return std::nullopt;
}

std::vector<std::string_view> Parameters::queries(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [known, value] : query_) {
    if (known == name) values.push_back(value);
  }
  return values;
}

std::optional<bson::Document> read_body(const http::Request& request, const schema::At& at,
                                        schema::Decoding& decoding) {
  const auto type = request.headers.find("content-type");
  if (type && !is_json(*type)) {
    decoding.add(at, {.path = {},
                      .type = "model_attributes_type",
                      .message = "Input should be a valid dictionary or object to extract "
                                 "fields from: send application/json",
                      .expected = "application/json",
                      .found = std::string(*type)});
    return std::nullopt;
  }
  try {
    return schema::parse_json(request.body);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kValidation) throw;
    for (const Violation& violation : error.violations()) decoding.add(at, violation);
    return std::nullopt;
  }
}

std::optional<Violation> append_text(bson::Builder& builder, std::string_view text, std::int64_t*) {
  const auto number = parse_number<std::int64_t>(text);
  if (!number) return unparsable("int_parsing", "integer", text);
  builder.append("", *number);
  return std::nullopt;
}

std::optional<Violation> append_text(bson::Builder& builder, std::string_view text, double*) {
  const auto number = parse_number<double>(text);
  if (!number || !std::isfinite(*number)) return unparsable("float_parsing", "number", text);
  builder.append("", *number);
  return std::nullopt;
}

std::optional<Violation> append_text(bson::Builder& builder, std::string_view text, bool*) {
  static constexpr auto kTrue =
      std::to_array<std::string_view>({"true", "1", "yes", "on", "t", "y"});
  static constexpr auto kFalse =
      std::to_array<std::string_view>({"false", "0", "no", "off", "f", "n"});
  const auto is_text = [&](std::string_view other) { return equal_ignoring_case(text, other); };
  const bool yes = std::ranges::any_of(kTrue, is_text);
  if (!yes && !std::ranges::any_of(kFalse, is_text)) {
    return unparsable("bool_parsing", "boolean", text);
  }
  builder.append("", yes);
  return std::nullopt;
}

std::optional<Violation> append_text(bson::Builder& builder, std::string_view text,
                                     std::string_view*) {
  if (!is_utf8(text)) return schema::not_utf8();
  builder.append("", text);
  return std::nullopt;
}

}  // namespace gesso::api::detail
