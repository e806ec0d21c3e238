#include "gesso/localdb/index/spec.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/compare.hpp"
#include "gesso/bson/index_spec.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/localdb/index/key_encoder.hpp"
#include "gesso/localdb/index/key_generator.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/language/match/path.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

constexpr int kInvalidIndexSpecificationOption = 197;
constexpr std::size_t kMaxFields = 32;

[[noreturn]] void cannot_create(const std::string& message) {
  throw CommandError(ErrorCode::kCannotCreateIndex, message);
}

std::vector<std::string> split_path(const std::string& path) {
  if (path.empty()) cannot_create("Index keys cannot be an empty field.");
  std::vector<std::string> components;
  for (std::size_t from = 0; from <= path.size();) {
    const std::size_t dot = std::min(path.find('.', from), path.size());
    std::string component = path.substr(from, dot - from);
    if (component.empty()) {
      cannot_create("Index keys cannot contain an empty field: '" + path + "'");
    }
    if (component.front() == '$' && !is_reference_field(component)) {
      cannot_create("Index key contains an illegal field name: field name starts with '$': '" +
                    path + "'");
    }
    components.push_back(std::move(component));
    from = dot + 1;
  }
  return components;
}

IndexField parse_field(const bson::Element& element) {
  if (element.value.is_string()) {
    cannot_create("Unknown or unsupported index plugin '" + std::string(element.value.as_string()) +
                  "' for field '" + std::string(element.key) + "'");
  }
  if (!element.value.is_number()) {
    cannot_create("Values in v:2 index key pattern cannot be of type " +
                  std::string(bson::type_name(element.value.type())) +
                  ". Only numbers > 0, numbers < 0, and strings are allowed.");
  }
  const double direction = element.value.number();
  if (direction == 0 || std::isnan(direction)) {
    cannot_create("Values in the index key pattern cannot be 0.");
  }
  IndexField field;
  field.path = element.key;
  field.components = split_path(field.path);
  field.descending = direction < 0;
  return field;
}

std::vector<IndexField> parse_key(bson::View key) {
  std::vector<IndexField> fields;
  for (const bson::Element& element : key) {
    IndexField field = parse_field(element);
    for (const IndexField& other : fields) {
      if (other.path == field.path) {
        throw CommandError(ErrorCode::kBadValue,
                           "Field name duplication not allowed in index key: " + field.path);
      }
    }
    fields.push_back(std::move(field));
  }
  if (fields.empty()) cannot_create("Index keys cannot be an empty document.");
  if (fields.size() > kMaxFields) {
    throw CommandError(13103, "too many compound keys: " + std::to_string(fields.size()));
  }
  return fields;
}

std::int64_t parse_expiry(Value value) {
  if (!value.is_number()) {
    throw CommandError(ErrorCode::kTypeMismatch,
                       "TTL index 'expireAfterSeconds' option must be numeric, but received a type "
                       "of '" +
                           std::string(bson::type_name(value.type())) + "'");
  }
  const double seconds = value.number();
  if (!(seconds >= 0 && seconds <= std::numeric_limits<std::int32_t>::max())) {
    cannot_create(
        "TTL index 'expireAfterSeconds' option must be within an acceptable range, 0 to "
        "2147483647");
  }
  return static_cast<std::int64_t>(seconds);
}

// The conditions that a partial index may have.
void check_partial_filter(bson::View filter) {
  static constexpr std::array<std::string_view, 9> kAllowed{
      "$eq", "$gt", "$gte", "$lt", "$lte", "$exists", "$type", "$in", "$and"};
  const auto refuse = [](std::string_view what) {
    cannot_create("Expression not supported in partial index: " + std::string(what));
  };
  for (const bson::Element& element : filter) {
    if (element.key == "$and" || element.key == "$or") {
      if (!element.value.is_array()) continue;  // the matcher says what is wrong
      for (const bson::Element& branch : element.value.as_document()) {
        if (branch.value.is_document()) check_partial_filter(branch.value.as_document());
      }
      continue;
    }
    if (element.key.starts_with('$')) refuse(element.key);
    if (element.value.is(Type::kRegex)) refuse("$regex");
    if (!element.value.is_document()) continue;
    for (const bson::Element& condition : element.value.as_document()) {
      if (!condition.key.starts_with('$')) break;
      if (std::find(kAllowed.begin(), kAllowed.end(), condition.key) == kAllowed.end()) {
        refuse(condition.key);
      }
      if (condition.key == "$exists" && !condition.value.truthy()) refuse("$exists: false");
    }
  }
}

bson::View document_of(const bson::Element& element) {
  if (!element.value.is_document()) {
    throw CommandError(ErrorCode::kTypeMismatch,
                       "The field '" + std::string(element.key) + "' must be an object, but got " +
                           std::string(bson::type_name(element.value.type())));
  }
  return element.value.as_document();
}

bool flag_of(const bson::Element& element) {
  if (!element.value.is(Type::kBool) && !element.value.is_number()) {
    throw CommandError(ErrorCode::kTypeMismatch,
                       "The field '" + std::string(element.key) + "' must be a boolean, but got " +
                           std::string(bson::type_name(element.value.type())));
  }
  return element.value.truthy();
}

// What old clients still send.
constexpr std::array<std::string_view, 4> kWithoutEffect = {"background", "dropDups", "v", "ns"};

void check_id_index(const IndexSpec& spec) {
  if (spec.fields.front().descending) {
    throw CommandError(ErrorCode::kBadValue,
                       "The field 'key' for an _id index must be {_id: 1}, but got " +
                           value_text(spec.key.view()));
  }
  if (spec.expire_after_seconds) cannot_create("An _id index cannot have 'expireAfterSeconds'");
  if (spec.sparse || spec.partial_filter) {
    cannot_create("_id index cannot be a sparse or a partial index");
  }
}

void check_combination(IndexSpec& spec) {
  if (spec.name.empty()) cannot_create("index name cannot be empty");
  if (spec.name == "*") cannot_create("index name cannot be '*'");
  if (spec.sparse && spec.partial_filter) {
    cannot_create("cannot mix \"partialFilterExpression\" and \"sparse\" options");
  }
  if (spec.expire_after_seconds && spec.fields.size() > 1) {
    cannot_create("TTL indexes are single-field indexes, compound indexes do not support TTL");
  }
  if (spec.fields.size() == 1 && spec.fields.front().path == "_id") {
    check_id_index(spec);
    spec.name = "_id_";
    spec.unique = true;
  } else if (spec.name == "_id_") {
    cannot_create(
        "The index name '_id_' is reserved for the _id index, which must have key "
        "pattern {_id: 1}");
  }
}

}  // namespace

IndexSpec IndexSpec::parse(bson::View description) {
  IndexSpec spec;
  for (const bson::Element& element : description) {
    const std::string_view key = element.key;
    if (key == "key") {
      spec.key = bson::Document(document_of(element));
      spec.fields = parse_key(spec.key);
    } else if (key == "name") {
      if (!element.value.is_string()) {
        throw CommandError(ErrorCode::kTypeMismatch, "The field 'name' must be a string");
      }
      spec.name = element.value.as_string();
    } else if (key == "unique") {
      spec.unique = flag_of(element);
    } else if (key == "sparse") {
      spec.sparse = flag_of(element);
    } else if (key == "expireAfterSeconds") {
      spec.expire_after_seconds = parse_expiry(element.value);
    } else if (key == "partialFilterExpression") {
      const bson::View filter = document_of(element);
      check_partial_filter(filter);
      spec.partial_filter = std::make_shared<const bson::Document>(filter);
      spec.partial_matcher =
          std::make_shared<const Matcher>(Matcher::compile(spec.partial_filter->view()));
    } else if (key == "collation") {
      const Value locale = document_of(element)["locale"];
      if (!locale.is_string() || locale.as_string() != "simple") {
        cannot_create("only the simple collation is supported by indexes");
      }
    } else if (std::ranges::find(kWithoutEffect, key) == kWithoutEffect.end()) {
      throw CommandError(kInvalidIndexSpecificationOption,
                         "The field '" + std::string(key) +
                             "' is not valid for an index specification. Specification: " +
                             value_text(description));
    }
  }
  if (spec.fields.empty()) {
    throw CommandError(ErrorCode::kFailedToParse,
                       "The 'key' field is a required property of an index specification");
  }
  if (!description.contains("name")) spec.name = bson::default_index_name(spec.key);
  check_combination(spec);
  return spec;
}

IndexSpec IndexSpec::for_id() {
  return parse(bson::make_document("key", bson::make_document("_id", 1), "name", "_id_"));
}

bson::Document IndexSpec::describe() const {
  bson::Builder out;
  out.append("v", 2).append("key", key).append("name", name);
  // MongoDB does not say that `_id_` is unique.
  if (unique && !is_id_index()) out.append("unique", true);
  if (sparse) out.append("sparse", true);
  if (partial_filter) out.append("partialFilterExpression", *partial_filter);
  if (expire_after_seconds) {
    // What does not fit stays what it is, so that `parse` sees and refuses it.
    const std::int64_t seconds = *expire_after_seconds;
    if (seconds == static_cast<std::int32_t>(seconds)) {
      out.append("expireAfterSeconds", static_cast<std::int32_t>(seconds));
    } else {
      out.append("expireAfterSeconds", seconds);
    }
  }
  return out.finish();
}

bool IndexSpec::is_same_as(const IndexKeys& wanted) const {
  return compare_specs(*this, static_cast<const IndexSpec&>(wanted)) == SpecRelation::kIdentical;
}

bool IndexSpec::depends_on(std::string_view field) const {
  if (partial_filter != nullptr) return true;  // its filter may be about any field
  return std::ranges::any_of(
      fields, [&](const IndexField& one) { return one.components.front() == field; });
}

void IndexSpec::keys_of(bson::View document, KeySet& out) const {
  generate_keys(*this, document, out);
}

std::string IndexSpec::key_of_value(bson::Value value) const {
  std::string encoded;
  encode_value(value, fields.front().descending, encoded);
  truncate_key(encoded);
  return encoded;
}

bson::Document IndexSpec::values_of(bson::View document, std::string_view encoded) const {
  return key_values(*this, document, encoded);
}

std::optional<KeySpan> IndexSpec::expired(Time now) const {
  if (!expire_after_seconds) return std::nullopt;
  const Time newest = now - std::chrono::seconds(*expire_after_seconds);
  const std::int64_t millis = newest.time_since_epoch().count();
  std::string edge;
  const bson::Value date(bson::Type::kDate, reinterpret_cast<const std::uint8_t*>(&millis));
  encode_value(date, fields.front().descending, edge);
  std::string dates(1, edge.front());
  if (fields.front().descending) return KeySpan{.low = edge, .high = successor(dates)};
  return KeySpan{.low = dates, .high = successor(edge)};
}

IndexKeysPtr read_index(bson::View description) {
  return std::make_shared<const IndexSpec>(IndexSpec::parse(description));
}

SpecRelation compare_specs(const IndexSpec& existing, const IndexSpec& wanted) {
  const auto filter_of = [](const IndexSpec& spec) {
    return spec.partial_filter ? spec.partial_filter->view() : bson::View();
  };
  const bool same_name = existing.name == wanted.name;
  const bool equivalent = existing.fields == wanted.fields && existing.unique == wanted.unique &&
                          existing.sparse == wanted.sparse &&
                          bson::compare(filter_of(existing), filter_of(wanted)) == 0;
  if (!same_name && !equivalent) return SpecRelation::kDifferent;
  const auto both = [&] {
    return " Requested index: " + value_text(wanted.describe().view()) +
           ", existing index: " + value_text(existing.describe().view());
  };
  if (!equivalent) {
    throw CommandError(ErrorCode::kIndexKeySpecsConflict,
                       "An existing index has the same name as the requested index. When index "
                       "names are not specified, they are auto generated and can cause "
                       "conflicts." +
                           both());
  }
  if (existing.expire_after_seconds != wanted.expire_after_seconds) {
    throw CommandError(ErrorCode::kIndexOptionsConflict,
                       "An equivalent index already exists with different options." + both());
  }
  if (!same_name) {
    throw CommandError(ErrorCode::kIndexOptionsConflict,
                       "Index already exists with a different name: " + existing.name);
  }
  return SpecRelation::kIdentical;
}

}  // namespace gesso::localdb
