#include "gesso/localdb/engine/arguments.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;

constexpr int kDuplicateField = 40413;
constexpr int kMissingField = 40414;
constexpr int kOutOfRange = 51024;

constexpr std::array kGenericFields = {
    Field{"$db", kString},
    Field{"$readPreference", kObject},
    Field{"$clusterTime", kObject},
    Field{"$tenant", kAny},
    Field{"$audit", kAny},
    Field{"$client", kAny},
    Field{"$configServerState", kAny},
    Field{"$oplogQueryData", kAny},
    Field{"$queryOptions", kAny},
    Field{"$replData", kAny},
    Field{"apiVersion", kString},
    Field{"apiStrict", kBool},
    Field{"apiDeprecationErrors", kBool},
    Field{"autocommit", kBool},
    Field{"comment", kAny},
    Field{"coordinator", kAny},
    Field{"databaseVersion", kAny},
    Field{"lsid", kObject},
    Field{"maxTimeMS", kNumber},
    Field{"maxTimeMSOpOnly", kAny},
    Field{"mayBypassWriteBlocking", kBool},
    Field{"operationSessionInfo", kAny},
    Field{"readConcern", kObject},
    Field{"shardVersion", kAny},
    Field{"startTransaction", kBool},
    Field{"tracking_info", kAny},
    Field{"txnNumber", kLong},
    Field{"txnRetryCounter", kNumber},
    Field{"writeConcern", kObject},
};

std::string type_list(TypeSet types) {
  std::string names;
  int count = 0;
  for (const Type type :
       {Type::kDouble, Type::kString, Type::kDocument, Type::kArray, Type::kBinary, Type::kBool,
        Type::kNull, Type::kInt32, Type::kInt64, Type::kDecimal128}) {
    if ((types & type_set(type)) == 0) continue;
    if (count++ > 0) names += ", ";
    names += bson::type_name(type);
  }
  return count == 1 ? "type '" + names + "'" : "types '[" + names + "]'";
}

const Field* find_field(std::span<const Field> fields, std::string_view name) {
  // Lengths and first letters tell nearly all of them apart.
  for (const Field& field : fields) {
    if (field.name.size() == name.size() && (name.empty() || field.name[0] == name[0]) &&
        field.name == name) {
      return &field;
    }
  }
  return nullptr;
}

}  // namespace

std::span<const Field> generic_fields() { return kGenericFields; }

void check_type(std::string_view path, bson::Value value, TypeSet types) {
  if ((type_set(value.type()) & types) != 0) return;
  throw CommandError(ErrorCode::kTypeMismatch, "BSON field '" + std::string(path) +
                                                   "' is the wrong type '" +
                                                   std::string(bson::type_name(value.type())) +
                                                   "', expected " + type_list(types));
}

Arguments::Arguments(std::string_view path, std::span<const Field> fields, bson::View body)
    : command_(path), fields_(fields) {
  read(body, false);
}

Arguments::Arguments(std::string_view command, std::span<const Field> fields, bson::View body,
                     std::span<const wire::Sequence> sequences)
    : command_(command), fields_(fields), sequences_(sequences) {
  for (const wire::Sequence& sequence : sequences_) {
    const Field* field = find_field(fields_, sequence.name);
    if (field == nullptr || (field->types & kArray) == 0) {
      throw CommandError(ErrorCode::kUnknownField,
                         "BSON field '" + name(sequence.name) + "' is an unknown field.");
    }
    if (body.contains(sequence.name)) {
      throw CommandError(kDuplicateField,
                         "BSON field '" + name(sequence.name) + "' is a duplicate field");
    }
  }
  read(body, true);
}

void Arguments::read(bson::View body, bool generic) {
  assert(fields_.size() <= kMaxFields);
  std::array<bool, kMaxFields> seen{};
  for (const auto& [key, value] : body) {
    const Field* field = find_field(fields_, key);
    if (field == nullptr) {
      if (find_field(fields_, kAnyField) != nullptr) continue;
      const Field* common = generic ? find_field(kGenericFields, key) : nullptr;
      if (common == nullptr) {
        throw CommandError(ErrorCode::kUnknownField,
                           "BSON field '" + name(key) + "' is an unknown field.");
      }
      if (!value.is_null()) check_type(name(key), value, common->types);
      continue;
    }
    const auto slot = static_cast<std::size_t>(field - fields_.data());
    if (seen[slot]) {
      throw CommandError(kDuplicateField, "BSON field '" + name(key) + "' is a duplicate field");
    }
    seen[slot] = true;
    const bool counts_as_absent = (value.is_null() || value.is(Type::kUndefined)) &&
                                  (field->types & type_set(value.type())) == 0;
    if (counts_as_absent && field->presence == Presence::kOptional) continue;
    if ((type_set(value.type()) & field->types) == 0) check_type(name(key), value, field->types);
    values_[slot] = value;
  }
  for (std::size_t slot = 0; slot < fields_.size(); ++slot) {
    const Field& field = fields_[slot];
    if (field.presence == Presence::kOptional || seen[slot]) continue;
    if (std::ranges::find(sequences_, field.name, &wire::Sequence::name) != sequences_.end()) {
      continue;
    }
    throw CommandError(kMissingField,
                       "BSON field '" + name(field.name) + "' is missing but a required field");
  }
}

std::string Arguments::name(std::string_view field) const {
  return std::string(command_) + "." + std::string(field);
}

bson::Value Arguments::operator[](std::string_view field) const {
  const Field* found = find_field(fields_, field);
  assert(found != nullptr);
  return values_[static_cast<std::size_t>(found - fields_.data())];
}

bool Arguments::flag(std::string_view field, bool otherwise) const {
  const bson::Value value = (*this)[field];
  return value ? value.truthy() : otherwise;
}

bson::View Arguments::document(std::string_view field) const {
  const bson::Value value = (*this)[field];
  return value ? value.as_document() : bson::View();
}

std::string_view Arguments::string(std::string_view field) const {
  const bson::Value value = (*this)[field];
  return value ? value.as_string() : std::string_view();
}

std::optional<std::int64_t> Arguments::integer(std::string_view field, std::int64_t least) const {
  const bson::Value value = (*this)[field];
  if (!value) return std::nullopt;
  std::int64_t result = 0;
  if (const auto exact = value.integer()) {
    result = *exact;
  } else {
    const double number = value.number();
    if (number >= 0x1p63) {
      result = std::numeric_limits<std::int64_t>::max();
    } else if (number < -0x1p63) {
      result = std::numeric_limits<std::int64_t>::min();
    } else if (!std::isnan(number)) {
      result = static_cast<std::int64_t>(number);
    }
  }
  if (result < least) {
    throw CommandError(kOutOfRange, "BSON field '" + std::string(field) +
                                        "' value must be >= " + std::to_string(least) +
                                        ", actual value '" + std::to_string(result) + "'");
  }
  return result;
}

std::vector<bson::View> Arguments::documents(std::string_view field) const {
  const auto sequence = std::ranges::find(sequences_, field, &wire::Sequence::name);
  if (sequence != sequences_.end()) return sequence->documents;
  std::vector<bson::View> documents;
  for (const auto& [key, value] : document(field)) {
    if (!value.is_document()) check_type(name(field) + "." + std::string(key), value, kObject);
    documents.push_back(value.as_document());
  }
  return documents;
}

}  // namespace gesso::localdb
