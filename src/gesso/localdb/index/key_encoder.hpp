// BSON values as bytes whose memcmp order is the order of `bson::compare`.
//
// Equal values give equal bytes whatever their types (1, 1.0 and decimal 1.00), and no value's
// bytes are a prefix of another's, so encodings can be put one behind the other. Not invertible.
// Pure functions; missing is encoded as null.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gesso/bson/view.hpp"

namespace gesso::localdb {

// Appends the encoding of `value`, every byte complemented where `descending`.
void encode_value(bson::Value value, bool descending, std::string& out);

// What the encodings of all values of this type's class (all numbers, ...) begin with.
[[nodiscard]] char class_byte(bson::Type type);

// What follows every string that begins with `prefix` and precedes every other greater one; "" if
// there is none (an empty prefix or one of 0xFF alone).
[[nodiscard]] std::string successor(std::string_view prefix);

// Keys longer than this are cut at `kCutKeyBytes` and a SHA-256 of the whole is put behind: still
// one key for each value, but out of order among those that share the cut part.
inline constexpr std::size_t kMaxKeyBytes = 499;  // LMDB's 511 less the index's and the record's id
inline constexpr std::size_t kCutKeyBytes = kMaxKeyBytes - 32;

// Whether it had to be cut.
bool truncate_key(std::string& key);

}  // namespace gesso::localdb
