// The codec of a described struct: one pass over a document's elements into its members.
//
// Names are matched in the order of the members, so that a document that we wrote costs one
// comparison an element; nothing is allocated but what the members hold. See codec.hpp.
#pragma once

#include <array>
#include <bitset>
#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/schema/described.hpp"
#include "gesso/schema/field_codec.hpp"

namespace gesso::schema {

// A struct with rules across its fields: `std::vector<Violation> check() const`, asked once every
// field has been read without a violation. Who builds such a struct in C++ asks it himself.
template <class T>
concept Checked = requires(const T& value) {
  { value.check() } -> std::same_as<std::vector<Violation>>;
};

namespace detail {

// The position of `name`, looked for from `hint` on: fields come in the order of the members.
template <std::size_t N>
constexpr std::size_t find_name(const std::array<std::string_view, N>& names, std::string_view name,
                                std::size_t hint) {
  for (std::size_t i = hint; i < N; ++i) {
    if (names[i] == name) return i;
  }
  for (std::size_t i = 0; i < hint; ++i) {
    if (names[i] == name) return i;
  }
  return N;
}

}  // namespace detail

template <Described T>
struct Codec<T> {
  static constexpr std::size_t kCount = kFieldCount<T>;

  // Whether every field may be stored; a struct with a `Password` may not.
  static constexpr bool kStorable = [] {
    bool storable = true;
    boost::mp11::mp_for_each<Members<T>>(
        [&](auto member) { storable = storable && InBson<detail::TypeOf<decltype(member)>>; });
    return storable;
  }();

  // The fields into the document that is open.
  static void append_fields(bson::Builder& builder, const T& value) requires kStorable {
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      Codec<detail::TypeOf<decltype(member)>>::append(builder, kBsonNames<T>[i++],
                                                      value.*member.pointer);
    });
  }
  static void append(bson::Builder& builder, std::string_view key,
                     const T& value) requires kStorable {
    const auto document = builder.document(key);
    append_fields(builder, value);
  }

  static void decode(bson::Value value, const At& at, Decoding& decoding, T& into) {
    if (value.is_document()) return decode_fields(value.as_document(), at, decoding, into);
    Violation violation =
        wrong_type("model_attributes_type",
                   "Input should be a valid dictionary or object to extract fields from", value);
    violation.expected = expected();
    decoding.add(at, std::move(violation));
  }

  static void decode_fields(bson::View document, const At& at, Decoding& decoding, T& into) {
    const bool json = decoding.format() == Format::kJson;
    const auto& names = json ? kJsonNames : kBsonNames<T>;
    [[maybe_unused]] const std::size_t before = decoding.violations().size();
    std::bitset<kCount> seen;
    std::size_t next = 0;
    for (const bson::Element& element : document) {
      const std::size_t i = detail::find_name(names, element.key, next);
      if (i == kCount || (json && !kVisible[i])) {
        if (json) unknown(element, at, decoding);
        continue;
      }
      next = i + 1;
      if (seen[i]) continue;  // the first one counts, as for whoever looks it up
      seen.set(i);
      kDecoders[i](element.value, At{.up = &at, .name = names[i]}, decoding, into);
    }
    if (!seen.all()) report_missing(seen, names, at, decoding);
    if constexpr (Checked<T>) {
      if (decoding.violations().size() > before) return;
      for (Violation& violation : into.check()) decoding.add(at, std::move(violation));
    }
  }

  static void write(std::string& out, const T& value) {
    const std::size_t begin = out.size();
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using F = detail::TypeOf<decltype(member)>;
      const std::size_t at = i++;
      if constexpr (InJson<F>) {
        if (!kVisible[at]) return;
        out += kJsonKeys[at].view();
        Codec<F>::write(out, value.*member.pointer);
      }
    });
    // Each key brings the comma before it, the first of them the brace's place.
    if (out.size() == begin) out += '{';
    out[begin] = '{';
    out += '}';
  }

  static void json_schema(bson::Builder& keywords, SchemaUse use = SchemaUse::kInput) {
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
          if constexpr (Described<F>) {
            // Apart from the field's own keywords, of which some have the same names.
            const auto all_of = keywords.array("allOf");
            const auto own = keywords.document(keywords.next_key());
            detail::write_schema<F>(keywords, use);
          } else {
            detail::write_schema<F>(keywords, use);
          }
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

  static std::string bson_type() { return "object"; }
  static std::string expected() {
    return name_of<T>().empty() ? "object" : "object: " + std::string(name_of<T>());
  }

 private:
  using Decoder = void (*)(bson::Value, const At&, Decoding&, T&);

  static constexpr std::array<std::string_view, kCount> kJsonNames = [] {
    std::array<std::string_view, kCount> names{};
    for (std::size_t i = 0; i < kCount; ++i) names[i] = kFieldsOf<T>[i].name;
    return names;
  }();

  // What stands before a value: `,"name":`
  struct JsonKey {
    static constexpr std::size_t kMostOfName = 60;
    std::array<char, kMostOfName + 4> text{};
    std::size_t size = 0;

    constexpr JsonKey() = default;
    explicit constexpr JsonKey(std::string_view name) {
      text[size++] = ',';
      text[size++] = '"';
      for (const char c : name) text[size++] = c;  // no constant where it does not fit
      text[size++] = '"';
      text[size++] = ':';
    }
    [[nodiscard]] constexpr std::string_view view() const { return {text.data(), size}; }
  };
  static constexpr std::array<JsonKey, kCount> kJsonKeys = [] {
    std::array<JsonKey, kCount> keys{};
    for (std::size_t i = 0; i < kCount; ++i) keys[i] = JsonKey(kJsonNames[i]);
    return keys;
  }();

  static constexpr std::array<Decoder, kCount> kDecoders = [] {
    std::array<Decoder, kCount> decoders{};
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using M = decltype(member);
      decoders[i++] = [](bson::Value value, const At& at, Decoding& decoding, T& into) {
        Codec<detail::TypeOf<M>>::decode(value, at, decoding, into.*M::pointer);
      };
    });
    return decoders;
  }();

  // Whether a field may be left out.
  static constexpr std::array<bool, kCount> kOptional = [] {
    std::array<bool, kCount> optional{};
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using F = detail::TypeOf<decltype(member)>;
      optional[i] = detail::is_optional<F> || kFieldsOf<T>[i].has_default();
      ++i;
    });
    return optional;
  }();

  // Whether a field is seen in JSON: not internal, and of a type that may be read or shown there.
  static constexpr std::array<bool, kCount> kVisible = [] {
    std::array<bool, kCount> visible{};
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using F = detail::TypeOf<decltype(member)>;
      visible[i] = !kFieldsOf<T>[i].is_internal() && requires(bson::Builder & keywords) {
        Codec<F>::json_schema(keywords);
      };
      ++i;
    });
    return visible;
  }();

  static void unknown(const bson::Element& element, const At& at, Decoding& decoding) {
    decoding.add(At{.up = &at, .name = element.key}, extra_forbidden(element.value));
  }

  static void report_missing(const std::bitset<kCount>& seen,
                             const std::array<std::string_view, kCount>& names, const At& at,
                             Decoding& decoding) {
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using F = detail::TypeOf<decltype(member)>;
      if (!seen[i] && !kOptional[i] && (decoding.format() == Format::kBson || kVisible[i])) {
        Violation violation = missing();
        violation.expected = Codec<F>::expected();
        decoding.add(At{.up = &at, .name = names[i]}, std::move(violation));
      }
      ++i;
    });
  }
};

}  // namespace gesso::schema
