// From a request to an operation's input: each field from where it comes, all that is wrong at
// once, each violation's path beginning with where it was ("query", "limit").
//
// Parameters are text; a field reads them as its type reads JSON, integers, numbers and booleans
// from their usual spellings. The last of several query parameters of one name counts, but for a
// list, which takes all. Query parameters that are no field of the input are passed over, as
// FastAPI does; members of the body that are none are violations. Functions only; thread-safe.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/http/request.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/json_schema.hpp"

namespace gesso::api {

// Flag of an input's field: a header. `idempotency_key` is `Idempotency-Key`.
inline constexpr unsigned kFromHeader = 1U << 8;

// What an input is read from. Borrowed: lives as long as the call that reads.
struct RequestParts {
  const http::Request& request;
  const http::PathParameters& path;
};

// The type of a field `body` that is to be the body's bytes as they came.
struct RawBody {
  std::string bytes;
};

struct NoInput {};
BOOST_DESCRIBE_STRUCT(NoInput, (), ())

struct ParameterSchema {
  std::string name;
  std::string_view in;  // "path", "query", "header"
  std::string_view about;
  bool required = false;
  bson::Document schema;
};

struct InputSchema {
  std::vector<ParameterSchema> parameters = {};
  std::optional<bson::Document> body = {};  // the JSON Schema of a JSON body
  std::string_view body_example = {};       // JSON text: `kExample` of the body's type
  bool body_required = false;
  bool raw_body = false;
};

namespace detail {

// "idempotency_key": "Idempotency-Key"
[[nodiscard]] std::string header_name(std::string_view field);
[[nodiscard]] bool names_parameter(std::string_view path, std::string_view name) noexcept;

// The parameters of one request, by the name of the field that they are for.
class Parameters {
  const RequestParts& parts_;
  http::QueryParameters query_;

 public:
  explicit Parameters(const RequestParts& parts)
      : parts_(parts), query_(http::parse_query(parts.request.query)) {}

  [[nodiscard]] std::optional<std::string_view> path(std::string_view name) const;
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  [[nodiscard]] std::optional<std::string_view> query(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> queries(std::string_view name) const;
};

// The body as a JSON object; std::nullopt where `decoding` was told why it is none.
[[nodiscard]] std::optional<bson::Document> read_body(const http::Request& request,
                                                      const schema::At& at,
                                                      schema::Decoding& decoding);

// Appends the text to `builder` under "" as a value of the type; what is wrong where it is none.
[[nodiscard]] std::optional<Violation> append_text(bson::Builder& builder, std::string_view text,
                                                   std::int64_t*);
[[nodiscard]] std::optional<Violation> append_text(bson::Builder& builder, std::string_view text,
                                                   double*);
[[nodiscard]] std::optional<Violation> append_text(bson::Builder& builder, std::string_view text,
                                                   bool*);
[[nodiscard]] std::optional<Violation> append_text(bson::Builder& builder, std::string_view text,
                                                   std::string_view*);

// The plain type that the text of a parameter is read as.
template <class F>
struct TextType {
  using Type = std::string_view;  // enumerations and times too
};
template <class F>
requires std::same_as<F, std::int64_t> || std::same_as<F, double> || std::same_as<F, bool>
struct TextType<F> {
  using Type = F;
};
template <schema::Constrained F>
struct TextType<F> {
  using Type = typename F::Wire;
};
template <class F>
struct TextType<std::optional<F>> : TextType<F> {};

template <class F>
void decode_text(std::string_view text, const schema::At& at, schema::Decoding& decoding, F& into) {
  bson::Builder builder;
  if (auto violation =
          append_text(builder, text, static_cast<typename TextType<F>::Type*>(nullptr))) {
    return decoding.add(at, std::move(*violation));
  }
  const bson::Document value = builder.finish();
  schema::Codec<F>::decode(value.view()[""], at, decoding, into);
}

template <class F>
inline constexpr bool kIsList = false;
template <class F>
inline constexpr bool kIsList<std::vector<F>> = true;

template <schema::Described Input>
consteval bool has_field(std::string_view name) {
  return std::ranges::any_of(schema::kFieldsOf<Input>,
                             [&](const schema::Field& field) { return field.name == name; });
}
template <schema::Described Input>
consteval bool has_body() {
  return has_field<Input>("body");
}

template <class F>
bool may_be_absent(const schema::Field& field) {
  return schema::detail::is_optional<F> || kIsList<F> || field.has_default();
}

template <class F>
void bind_body(const RequestParts& parts, schema::Decoding& decoding, F& into) {
  if constexpr (std::same_as<F, RawBody>) {
    into.bytes = parts.request.body;
  } else if constexpr (schema::detail::is_optional<F>) {
    if (parts.request.body.empty()) return;
    auto inner = schema::Access::make<typename F::value_type>();
    bind_body(parts, decoding, inner);
    into = std::move(inner);
  } else {
    const schema::At root;
    const schema::At at{.up = &root, .name = "body"};
    if (const auto document = read_body(parts.request, at, decoding)) {
      schema::Codec<F>::decode_fields(*document, at, decoding, into);
    }
  }
}

template <class F>
void bind_parameter(const Parameters& parameters, const schema::Field& field,
                    schema::Decoding& decoding, F& into) {
  const auto read = [&](std::string_view in, std::string_view name,
                        std::optional<std::string_view> text) {
    const schema::At root;
    const schema::At place{.up = &root, .name = in};
    const schema::At at{.up = &place, .name = name};
    if (text) return decode_text(*text, at, decoding, into);
    if (may_be_absent<F>(field)) return;
    Violation violation = schema::missing();
    violation.expected = schema::Codec<F>::expected();
    decoding.add(at, std::move(violation));
  };
  if (const auto text = parameters.path(field.name)) return read("path", field.name, text);
  if ((field.flags & kFromHeader) != 0) {
    return read("header", header_name(field.name), parameters.header(field.name));
  }
  read("query", field.name, parameters.query(field.name));
}

template <class F>
void bind_parameter(const Parameters& parameters, const schema::Field& field,
                    schema::Decoding& decoding, std::vector<F>& into) {
  const schema::At root;
  const schema::At place{.up = &root, .name = "query"};
  for (const std::string_view text : parameters.queries(field.name)) {
    F item = schema::Access::make<F>();
    decode_text(text, schema::At{.up = &place, .name = field.name}, decoding, item);
    into.push_back(std::move(item));
  }
}

template <class T>
constexpr std::string_view example_of() {
  if constexpr (requires { T::kExample; }) {
    return T::kExample;
  } else {
    return {};
  }
}

template <class Descriptor>
inline constexpr bool kIsBody = std::string_view(Descriptor::name) == "body";

}  // namespace detail

// std::nullopt where something does not fit, and `violations` says what.
template <schema::Described Input>
[[nodiscard]] std::optional<Input> bind_input(const RequestParts& parts,
                                              std::vector<Violation>& violations) {
  std::optional<Input> input(schema::Access::make<Input>());
  if constexpr (schema::kFieldCount < Input >> 0) {
    schema::Decoding decoding(schema::Format::kJson);
    const detail::Parameters parameters(parts);
    std::size_t i = 0;
    boost::mp11::mp_for_each<schema::Members<Input>>([&](auto member) {
      const schema::Field& field = schema::kFieldsOf<Input>[i++];
      auto& into = (*input).*member.pointer;
      if constexpr (detail::kIsBody<decltype(member)>) {
        detail::bind_body(parts, decoding, into);
      } else {
        detail::bind_parameter(parameters, field, decoding, into);
      }
    });
    if (!decoding.ok()) {
      violations = std::move(decoding.violations());
      input.reset();
    }
  }
  return input;
}

template <schema::Described Input>
[[nodiscard]] InputSchema input_schema(std::string_view path) {
  InputSchema schema;
  [[maybe_unused]] const Input defaults = schema::Access::make<Input>();
  std::size_t i = 0;
  boost::mp11::mp_for_each<schema::Members<Input>>([&](auto member) {
    using F = schema::detail::TypeOf<decltype(member)>;
    const schema::Field& field = schema::kFieldsOf<Input>[i++];
    if constexpr (detail::kIsBody<decltype(member)>) {
      schema.body_required = !schema::detail::is_optional<F>;
      if constexpr (std::same_as<F, RawBody>) {
        schema.raw_body = true;
      } else if constexpr (schema::detail::is_optional<F>) {
        schema.body = schema::json_schema_fragment<typename F::value_type>();
        schema.body_example = detail::example_of<typename F::value_type>();
      } else {
        schema.body = schema::json_schema_fragment<F>();
        schema.body_example = detail::example_of<F>();
      }
    } else {
      const bool in_header = (field.flags & kFromHeader) != 0;
      const bool in_path = detail::names_parameter(path, field.name);
      bson::Builder keywords;
      if constexpr (schema::detail::is_optional<F>) {
        schema::Codec<typename F::value_type>::json_schema(keywords);
      } else {
        schema::Codec<F>::json_schema(keywords);
      }
      if constexpr (schema::InBson<F>) {
        if (field.has_default()) {
          schema::Codec<F>::append(keywords, "default", defaults.*member.pointer);
        }
      }
      schema.parameters.push_back(
          {.name = in_header ? detail::header_name(field.name) : std::string(field.name),
           .in = in_path     ? "path"
                 : in_header ? "header"
                             : "query",
           .about = field.about,
           .required = in_path || !detail::may_be_absent<F>(field),
           .schema = keywords.finish()});
    }
  });
  return schema;
}

}  // namespace gesso::api
