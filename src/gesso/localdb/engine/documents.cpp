#include "gesso/localdb/engine/documents.hpp"

#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;

// A level takes seven bytes at least: type, name's end, length, end. Smaller documents need no
// look.
constexpr std::size_t kDeepestBytes = 7 * bson::View::kMaxDepth;

// The scope of code: behind the length of both and the code, which has its own length.
bson::View scope_of(bson::Value code) {
  const std::uint8_t* const text = code.raw().data() + sizeof(std::uint32_t);
  return bson::View(text + sizeof(std::uint32_t) + bson::detail::load<std::uint32_t>(text));
}

// Whether a sound document has `levels` at most, itself the first of them.
bool is_within(bson::View document, int levels) {
  if (levels <= 0) return false;
  for (const bson::Element& element : document) {
    const bson::Value value = element.value;
    if ((value.is_document() || value.is_array()) && !is_within(value.as_document(), levels - 1)) {
      return false;
    }
    if (value.is(Type::kCodeWithScope) && !is_within(scope_of(value), levels - 1)) return false;
  }
  return true;
}

void check_id(bson::Value id) {
  if (id.is_array() || id.is(Type::kRegex) || id.is(Type::kUndefined)) {
    throw CommandError(ErrorCode::kInvalidIdField, "The '_id' value cannot be of type " +
                                                       std::string(bson::type_name(id.type())));
  }
  if (!id.is_document()) return;
  for (const auto& [key, value] : id.as_document()) {
    if (key.starts_with('$')) {
      throw CommandError(ErrorCode::kDollarPrefixedFieldName,
                         "_id fields may not contain '$'-prefixed fields: " + std::string(key) +
                             " is not valid for storage.");
    }
  }
}

}  // namespace

void check_fits(bson::View document) {
  if (document.size() > kMaxDocumentSize) {
    throw CommandError(
        ErrorCode::kDocumentTooLarge,
        "the document is too large: size in bytes: " + std::to_string(document.size()) +
            ", max size: " + std::to_string(kMaxDocumentSize));
  }
  if (document.size() > kDeepestBytes && !is_within(document, bson::View::kMaxDepth)) {
    throw CommandError(ErrorCode::kOverflow, "the document is nested deeper than " +
                                                 std::to_string(bson::View::kMaxDepth) + " levels");
  }
}

bson::View prepare_insert(bson::View document, Services& services,
                          std::deque<bson::Document>& owned, EmptyTimestamps empty) {
  // Depth was looked at when the message was read.
  if (document.size() > kMaxDocumentSize) check_fits(document);
  bson::Value id;
  bool id_is_first = true;
  bool has_empty_timestamp = false;  // that is to be replaced
  const auto is_replaced = [empty](std::string_view key, bson::Value value) {
    return empty == EmptyTimestamps::kReplace && key != "_id" && is_empty_timestamp(value);
  };
  bool first = true;
  for (const auto& [key, value] : document) {
    if (!id && key == "_id") {
      id = value;
      id_is_first = first;
    } else if (is_replaced(key, value)) {
      has_empty_timestamp = true;
    }
    first = false;
  }
  check_id(id);
  if (id && id_is_first && !has_empty_timestamp) return document;

  bson::Builder out;
  out.reserve(document.size() + 32);
  if (id) {
    out.append("_id", id);
  } else {
    out.append("_id", services.object_ids.next());
  }
  bool id_written = false;
  for (const auto& [key, value] : document) {
    if (id && !id_written && key == "_id") {
      id_written = true;
    } else if (is_replaced(key, value)) {
      out.append(key, timestamp_at(services.clock.now()));
    } else {
      out.append(key, value);
    }
  }
  owned.push_back(out.finish());
  check_fits(owned.back());
  return owned.back();
}

}  // namespace gesso::localdb
