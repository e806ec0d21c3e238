// What the store knows of an index: its name, whether it is unique, and that it can be asked for
// the keys of a document. What the keys mean is the business of whoever implements it (index/).
//
// Immutable once it stands in a catalog, hence thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::localdb {

struct KeySet {
  std::vector<std::string> keys;  // sorted, each once; none for a document outside the index
  std::vector<bool> multikey;     // for each field: an array stood on its path
  bool truncated = false;         // some key was too long and is cut

  void clear() {
    keys.clear();
    multikey.clear();
    truncated = false;
  }
};

// From `low` up to but without `high`.
struct KeySpan {
  std::string low, high;

  [[nodiscard]] bool holds(std::string_view key) const { return key >= low && key < high; }
};

struct IndexKeys {
  std::string name;
  bson::Document key;  // as the client wrote it: {a: 1, b: -1}
  bool unique = false;

  IndexKeys() = default;
  IndexKeys(const IndexKeys&) = default;
  IndexKeys& operator=(const IndexKeys&) = default;
  virtual ~IndexKeys() = default;

  [[nodiscard]] virtual std::size_t field_count() const = 0;
  [[nodiscard]] virtual bool is_id_index() const = 0;
  // What is stored and shown of it; an IndexReader reads it back.
  [[nodiscard]] virtual bson::Document describe() const = 0;
  // Whether `wanted` asks for this very index. Throws where both cannot stand beside each other.
  [[nodiscard]] virtual bool is_same_as(const IndexKeys& wanted) const = 0;

  // Whether the keys of a document depend on its field of that name, at the top.
  [[nodiscard]] virtual bool depends_on(std::string_view field) const = 0;
  // Fills `out`. Throws for a document that cannot be in the index.
  virtual void keys_of(bson::View document, KeySet& out) const = 0;
  // The key of a value, of an index of one field.
  [[nodiscard]] virtual std::string key_of_value(bson::Value value) const = 0;
  // Of the document's values, those that made `key`, for people to read: {a: 1, b: null}.
  [[nodiscard]] virtual bson::Document values_of(bson::View document,
                                                 std::string_view key) const = 0;
  // The keys of documents whose time has passed; std::nullopt for an index without a time to live.
  [[nodiscard]] virtual std::optional<KeySpan> expired(Time now) const = 0;
};

using IndexKeysPtr = std::shared_ptr<const IndexKeys>;
// Makes an index of its description. Throws for what is none.
using IndexReader = IndexKeysPtr (*)(bson::View description);

}  // namespace gesso::localdb
