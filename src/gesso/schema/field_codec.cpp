#include "gesso/schema/field_codec.hpp"

namespace gesso::schema {
namespace {

template <class T, class U = T>
void decode_plain(bson::Value value, const At& at, Decoding& decoding, U& into) {
  T plain{};
  if (std::optional<Violation> violation = read(value, decoding.format(), plain)) {
    violation->expected = Codec<U>::expected();
    decoding.add(at, std::move(*violation));
    return;
  }
  into = plain;
}

}  // namespace

void Codec<bool>::decode(bson::Value value, const At& at, Decoding& decoding, bool& into) {
  decode_plain<bool>(value, at, decoding, into);
}

void Codec<std::int64_t>::decode(bson::Value value, const At& at, Decoding& decoding,
                                 std::int64_t& into) {
  decode_plain<std::int64_t>(value, at, decoding, into);
}

void Codec<double>::decode(bson::Value value, const At& at, Decoding& decoding, double& into) {
  decode_plain<double>(value, at, decoding, into);
}

void Codec<std::string>::decode(bson::Value value, const At& at, Decoding& decoding,
                                std::string& into) {
  decode_plain<std::string_view>(value, at, decoding, into);
}

void Codec<Time>::decode(bson::Value value, const At& at, Decoding& decoding, Time& into) {
  decode_plain<Time>(value, at, decoding, into);
}

void Codec<Time>::write(std::string& out, Time value) {
  out += '"';
  append_iso8601(out, value);
  out += '"';
}

void Codec<Object>::decode(bson::Value value, const At& at, Decoding& decoding, Object& into) {
  if (!value.is_document()) {
    Violation violation = wrong_type("dict_type", "Input should be a valid dictionary", value);
    violation.expected = expected();
    decoding.add(at, std::move(violation));
    return;
  }
  if (decoding.format() == Format::kJson) {
    std::vector<Violation> violations = Object::check(value.as_document());
    if (!violations.empty()) {
      for (Violation& violation : violations) decoding.add(at, std::move(violation));
      return;
    }
  }
  into = Object::unchecked(value.as_document());
}

}  // namespace gesso::schema
