// An object of the caller's own shape (`settings`, `metadata`): owned BSON, written as JSON.
//
// What comes from JSON is held to limits: 16 KiB, 8 levels, and no key that is empty, starts with
// `$` or has a period in it, since such a key cannot be addressed in an update. What the database
// holds is read as it is. A value type.
#pragma once

#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::schema {

class Object {
  bson::Document document_;

 public:
  static constexpr std::size_t kMaxBytes = 16UL * 1024;
  static constexpr int kMaxDepth = 8;

  Object() = default;
  // Throws Error (kValidation).
  explicit Object(bson::Document document);

  [[nodiscard]] bson::View view() const noexcept { return document_.view(); }
  [[nodiscard]] bool empty() const noexcept { return document_.empty(); }
  [[nodiscard]] bson::Value operator[](std::string_view key) const noexcept {
    return document_[key];
  }

  // Every broken limit, each with its path below the object.
  [[nodiscard]] static std::vector<Violation> check(bson::View document);
  // Takes a document as the database holds it, without a check.
  [[nodiscard]] static Object unchecked(bson::View document);
  [[nodiscard]] static std::string expected();

  friend bool operator==(const Object&, const Object&) = default;  // byte for byte
  friend std::ostream& operator<<(std::ostream& out, const Object& object);
};

}  // namespace gesso::schema
