#include "gesso/bson/view.hpp"

#include <cmath>
#include <string>

#include "gesso/base/text.hpp"
#include "gesso/bson/decimal.hpp"

namespace gesso::bson {
namespace {

constexpr std::uint8_t kEmptyDocument[] = {5, 0, 0, 0, 0};

// Walks untrusted bytes. Throws nothing; the first fault ends it.
class Validator {
  const std::uint8_t* const start_;
  std::string* const why_;

 public:
  Validator(const std::uint8_t* start, std::string* why) : start_(start), why_(why) {}

  // Checks one document in [at, end) and returns the byte behind it, or nullptr.
  const std::uint8_t* document(const std::uint8_t* at, const std::uint8_t* end, int depth_left) {
    if (depth_left <= 0) return fail(at, "documents nested too deeply");
    if (end - at < 5) return fail(at, "document cut short");
    const auto length = detail::load<std::int32_t>(at);
    if (length < 5 || length > end - at) return fail(at, "document length does not fit");
    const std::uint8_t* const close = at + length - 1;
    if (*close != 0) return fail(close, "document not terminated");
    const std::uint8_t* element = at + 4;
    while (element < close) {
      const auto type = static_cast<Type>(*element);
      if (type == Type::kMissing) return fail(element, "terminator inside a document");
      const std::uint8_t* payload = c_string(element + 1, close, "key");
      if (payload == nullptr) return nullptr;
      element = value(type, payload, close, depth_left);
      if (element == nullptr) return nullptr;
    }
    return close + 1;
  }

 private:
  const std::uint8_t* fail(const std::uint8_t* at, std::string_view what) {
    if (why_ != nullptr) {
      *why_ = "byte " + std::to_string(at - start_) + ": ";
      *why_ += what;
    }
    return nullptr;
  }

  const std::uint8_t* c_string(const std::uint8_t* at, const std::uint8_t* end,
                               std::string_view what) {
    const auto* zero =
        static_cast<const std::uint8_t*>(std::memchr(at, 0, static_cast<std::size_t>(end - at)));
    if (zero == nullptr) return fail(at, std::string(what) + " not terminated");
    if (!is_utf8(as_text({at, static_cast<std::size_t>(zero - at)}))) {
      return fail(at, std::string(what) + " is not UTF-8");
    }
    return zero + 1;
  }

  const std::uint8_t* string(const std::uint8_t* at, const std::uint8_t* end) {
    if (end - at < 5) return fail(at, "string cut short");
    const auto length = detail::load<std::int32_t>(at);
    if (length < 1 || length > end - at - 4) return fail(at, "string length does not fit");
    const std::uint8_t* const text = at + 4;
    if (text[length - 1] != 0) return fail(text, "string not terminated");
    if (!is_utf8(as_text({text, static_cast<std::size_t>(length - 1)}))) {
      return fail(text, "string is not UTF-8");
    }
    return text + length;
  }

  const std::uint8_t* fixed(const std::uint8_t* at, const std::uint8_t* end, std::size_t size) {
    if (static_cast<std::size_t>(end - at) < size) return fail(at, "value cut short");
    return at + size;
  }

  const std::uint8_t* value(Type type, const std::uint8_t* at, const std::uint8_t* end,
                            int depth_left) {
    switch (type) {
      case Type::kDouble:
      case Type::kDate:
      case Type::kTimestamp:
      case Type::kInt64:
        return fixed(at, end, 8);
      case Type::kInt32:
        return fixed(at, end, 4);
      case Type::kDecimal128:
        return fixed(at, end, 16);
      case Type::kObjectId:
        return fixed(at, end, 12);
      case Type::kBool:
        if (end - at < 1) return fail(at, "value cut short");
        if (*at > 1) return fail(at, "bool is neither 0 nor 1");
        return at + 1;
      case Type::kUndefined:
      case Type::kNull:
      case Type::kMinKey:
      case Type::kMaxKey:
        return at;
      case Type::kString:
      case Type::kSymbol:
      case Type::kCode:
        return string(at, end);
      case Type::kDocument:
      case Type::kArray:
        return document(at, end, depth_left - 1);
      case Type::kBinary: {
        if (end - at < 5) return fail(at, "binary cut short");
        const auto length = detail::load<std::int32_t>(at);
        if (length < 0 || length > end - at - 5) return fail(at, "binary length does not fit");
        return at + 5 + length;
      }
      case Type::kRegex: {
        const std::uint8_t* options = c_string(at, end, "pattern");
        return options == nullptr ? nullptr : c_string(options, end, "options");
      }
      case Type::kDbPointer: {
        const std::uint8_t* id = string(at, end);
        return id == nullptr ? nullptr : fixed(id, end, 12);
      }
      case Type::kCodeWithScope: {
        if (end - at < 4) return fail(at, "code cut short");
        const auto length = detail::load<std::int32_t>(at);
        if (length < 14 || length > end - at) return fail(at, "code length does not fit");
        const std::uint8_t* const stop = at + length;
        const std::uint8_t* scope = string(at + 4, stop);
        if (scope == nullptr) return nullptr;
        const std::uint8_t* after = document(scope, stop, depth_left - 1);
        if (after == nullptr) return nullptr;
        return after == stop ? after : fail(after, "code with scope does not fill its length");
      }
      case Type::kMissing:
        break;
    }
    return fail(at, "unknown type");
  }
};

}  // namespace

std::string_view type_name(Type type) noexcept {
  switch (type) {
    case Type::kMissing:
      return "missing";
    case Type::kDouble:
      return "double";
    case Type::kString:
      return "string";
    case Type::kDocument:
      return "object";
    case Type::kArray:
      return "array";
    case Type::kBinary:
      return "binData";
    case Type::kUndefined:
      return "undefined";
    case Type::kObjectId:
      return "objectId";
    case Type::kBool:
      return "bool";
    case Type::kDate:
      return "date";
    case Type::kNull:
      return "null";
    case Type::kRegex:
      return "regex";
    case Type::kDbPointer:
      return "dbPointer";
    case Type::kCode:
      return "javascript";
    case Type::kSymbol:
      return "symbol";
    case Type::kCodeWithScope:
      return "javascriptWithScope";
    case Type::kInt32:
      return "int";
    case Type::kTimestamp:
      return "timestamp";
    case Type::kInt64:
      return "long";
    case Type::kDecimal128:
      return "decimal";
    case Type::kMinKey:
      return "minKey";
    case Type::kMaxKey:
      return "maxKey";
  }
  return "unknown";
}

std::size_t detail::varying_payload_size(Type type, const std::uint8_t* payload) noexcept {
  switch (type) {
    case Type::kString:
    case Type::kSymbol:
    case Type::kCode:
      return 4 + load<std::uint32_t>(payload);
    case Type::kDocument:
    case Type::kArray:
    case Type::kCodeWithScope:
      return load<std::uint32_t>(payload);
    case Type::kBinary:
      return 5 + load<std::uint32_t>(payload);
    case Type::kRegex: {
      const char* text = reinterpret_cast<const char*>(payload);
      const std::size_t pattern = std::strlen(text) + 1;
      return pattern + std::strlen(text + pattern) + 1;
    }
    case Type::kDbPointer:
      return 4 + load<std::uint32_t>(payload) + 12;
    default:
      return 0;
  }
}

double Value::number() const noexcept {
  switch (type_) {
    case Type::kDouble:
      return as_double();
    case Type::kInt32:
      return as_int32();
    case Type::kInt64:
      return static_cast<double>(as_int64());
    case Type::kDecimal128:
      return decimal_to_double(as_decimal128());
    default:
      return std::nan("");
  }
}

std::optional<std::int64_t> Value::integer() const noexcept {
  switch (type_) {
    case Type::kInt32:
      return as_int32();
    case Type::kInt64:
      return as_int64();
    case Type::kDouble:
    case Type::kDecimal128: {
      if (type_ == Type::kDecimal128) return decimal_to_int64(as_decimal128());
      const double value = as_double();
      if (!(value >= -0x1p63 && value < 0x1p63) || std::trunc(value) != value) return std::nullopt;
      return static_cast<std::int64_t>(value);
    }
    default:
      return std::nullopt;
  }
}

bool Value::truthy() const noexcept {
  switch (type_) {
    case Type::kMissing:
    case Type::kNull:
    case Type::kUndefined:
      return false;
    case Type::kBool:
      return as_bool();
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDouble:
    case Type::kDecimal128:
      return number() != 0;
    default:
      return true;
  }
}

View::View() noexcept : data_(kEmptyDocument) {}

std::optional<View> View::validate(std::span<const std::uint8_t> bytes, std::string* why,
                                   int max_depth) {
  Validator validator(bytes.data(), why);
  const std::uint8_t* const end = bytes.data() + bytes.size();
  const std::uint8_t* const after = validator.document(bytes.data(), end, max_depth);
  if (after == nullptr) return std::nullopt;
  if (after != end) {
    if (why != nullptr) *why = "bytes behind the document";
    return std::nullopt;
  }
  return View(bytes.data());
}

Value View::operator[](std::string_view key) const noexcept {
  for (const Element& element : *this) {
    if (element.key == key) return element.value;
  }
  return {};
}

Value View::at_path(std::string_view dotted) const noexcept {
  View level = *this;
  for (;;) {
    const std::size_t dot = dotted.find('.');
    const Value value = level[dotted.substr(0, dot)];
    if (dot == std::string_view::npos) return value;
    if (!value.is_document() && !value.is_array()) return {};
    level = value.as_document();
    dotted.remove_prefix(dot + 1);
  }
}

std::size_t View::count() const noexcept {
  std::size_t elements = 0;
  for (auto it = begin(); it != end(); ++it) ++elements;
  return elements;
}

OwnedValue::OwnedValue(Value value) : type_(value.type()) {
  const std::span<const std::uint8_t> raw = value.raw();
  payload_.assign(raw.begin(), raw.end());
}

}  // namespace gesso::bson
