// The strict reader of command documents: a table says which fields there are, of which types, and
// everything else is refused with the code that MongoDB uses.
//
//   constexpr Field kFields[] = {{"count", kString, Presence::kRequired}, {"query", kObject}, ...};
//   Arguments arguments("count", kFields, body);
//   View query = arguments.document("query");
//
// Borrows the document. Pure; a value for one thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/wire/message.hpp"

namespace gesso::localdb {

// A set of BSON types, a bit for each.
using TypeSet = std::uint32_t;

constexpr TypeSet type_set(bson::Type type) {
  if (type == bson::Type::kMinKey) return 1U << 30;
  if (type == bson::Type::kMaxKey) return 1U << 31;
  return 1U << static_cast<unsigned>(type);
}

inline constexpr TypeSet kObject = type_set(bson::Type::kDocument);
inline constexpr TypeSet kArray = type_set(bson::Type::kArray);
inline constexpr TypeSet kString = type_set(bson::Type::kString);
inline constexpr TypeSet kBool = type_set(bson::Type::kBool);
inline constexpr TypeSet kLong = type_set(bson::Type::kInt64);
inline constexpr TypeSet kBinary = type_set(bson::Type::kBinary);
inline constexpr TypeSet kNumber = type_set(bson::Type::kInt32) | kLong |
                                   type_set(bson::Type::kDouble) |
                                   type_set(bson::Type::kDecimal128);
inline constexpr TypeSet kFlag = kBool | kNumber;
inline constexpr TypeSet kAny = ~TypeSet{0};

enum class Presence { kOptional, kRequired };

struct Field {
  std::string_view name;
  TypeSet types = kAny;
  Presence presence = Presence::kOptional;
};

// In a table: fields of any other name are read over.
inline constexpr std::string_view kAnyField = "*";

// Fields that every command takes: lsid, $db, maxTimeMS, ...
[[nodiscard]] std::span<const Field> generic_fields();

// Throws CommandError (14) that names the field, what it is and what it may be.
void check_type(std::string_view path, bson::Value value, TypeSet types);

class Arguments {
  static constexpr std::size_t kMaxFields = 40;

  std::string_view command_;
  std::span<const Field> fields_;
  std::array<bson::Value, kMaxFields> values_;
  std::span<const wire::Sequence> sequences_;

 public:
  // `path` is how messages name the document: "find", or "update.updates" for a part of it. Throws
  // CommandError: 40415 for an unknown field, 40413 for one that comes twice, 40414 for a missing
  // one, 14 for a wrong type. A null counts as absent where null is not among the types.
  Arguments(std::string_view path, std::span<const Field> fields, bson::View body);
  // Of a whole command: the generic fields are allowed, and a field of kArray may come as a
  // document sequence.
  Arguments(std::string_view command, std::span<const Field> fields, bson::View body,
            std::span<const wire::Sequence> sequences);

  [[nodiscard]] std::string_view command() const noexcept { return command_; }

  // A missing value where the field is absent. The field must be in the table.
  [[nodiscard]] bson::Value operator[](std::string_view field) const;
  [[nodiscard]] bool has(std::string_view field) const { return bool((*this)[field]); }
  [[nodiscard]] bool flag(std::string_view field, bool otherwise = false) const;
  // `{}` where absent.
  [[nodiscard]] bson::View document(std::string_view field) const;
  [[nodiscard]] std::string_view string(std::string_view field) const;
  // Truncated toward zero. Throws CommandError (51024) when it is below `least`.
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view field,
                                                    std::int64_t least) const;
  // The documents of an array or of the sequence of that name. Throws CommandError (14) for an
  // element that is no document.
  [[nodiscard]] std::vector<bson::View> documents(std::string_view field) const;

 private:
  void read(bson::View body, bool generic);
  [[nodiscard]] std::string name(std::string_view field) const;
};

}  // namespace gesso::localdb
