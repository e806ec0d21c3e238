#include "gesso/localdb/index/key_generator.hpp"

#include <algorithm>
#include <optional>

#include "gesso/base/meter.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/index/key_encoder.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/language/match/path.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

// How far one field's walk along its path has come.
struct Walk {
  Value value;
  std::size_t next = 0;  // component
  bool done = false;
};

// Calls `visit(walks)` once for each combination of values that the arrays on the paths make.
template <class Visit>
class Walker {
  const IndexSpec& spec_;
  std::vector<bool>* multikey_;
  Visit& visit_;

 public:
  Walker(const IndexSpec& spec, std::vector<bool>* multikey, Visit& visit)
      : spec_(spec), multikey_(multikey), visit_(visit) {}

  void run(std::vector<Walk> walks) {
    const std::uint8_t* array = nullptr;
    std::size_t at = 0;
    for (std::size_t i = 0; i < walks.size(); ++i) {
      if (walks[i].done) continue;
      advance(walks[i], spec_.fields[i]);
      if (walks[i].done) continue;
      const std::uint8_t* const here = walks[i].value.as_document().data();
      if (array != nullptr && array != here) {
        throw CommandError(ErrorCode::kCannotIndexParallelArrays, "cannot index parallel arrays [" +
                                                                      spec_.fields[i].path + "] [" +
                                                                      spec_.fields[at].path + "]");
      }
      array = here;
      at = i;
    }
    if (array == nullptr) {
      visit_(walks);
      return;
    }
    fan_out(walks, bson::View(array));
  }

 private:
  // Through documents, to the path's end or to an array.
  static void advance(Walk& walk, const IndexField& field) {
    const auto& components = field.components;
    for (;;) {
      if (walk.value.is_array()) {
        if (walk.next == components.size() || !step_into(walk, components[walk.next])) return;
      } else if (walk.next == components.size()) {
        walk.done = true;
        return;
      } else if (walk.value.is_document()) {
        walk.value = walk.value.as_document()[components[walk.next++]];
      } else {
        walk = {.value = {}, .next = components.size(), .done = true};
        return;
      }
    }
  }

  // A component of digits is a position in an array.
  static bool step_into(Walk& walk, const std::string& component) {
    if (!array_index(component)) return false;
    const bson::View array = walk.value.as_document();
    for (const bson::Element& element : array) {
      if (element.value.is_document() && element.value.as_document().contains(component)) {
        throw CommandError(16746,
                           "Ambiguous field name found in array (do not use numeric field "
                           "names in embedded elements in an array), field: '" +
                               component + "'");
      }
    }
    walk.value = array[component];
    ++walk.next;
    return true;
  }

  void fan_out(const std::vector<Walk>& walks, bson::View array) {
    const auto stands_there = [&](const Walk& walk) {
      return !walk.done && walk.value.as_document().data() == array.data();
    };
    if (multikey_ != nullptr) {
      for (std::size_t i = 0; i < walks.size(); ++i) {
        if (stands_there(walks[i])) (*multikey_)[i] = true;
      }
    }
    const auto with = [&](Value element) {
      std::vector<Walk> inside = walks;
      for (std::size_t i = 0; i < walks.size(); ++i) {
        if (!stands_there(walks[i])) continue;
        if (walks[i].next == spec_.fields[i].components.size()) {
          inside[i] = {.value = element, .next = walks[i].next, .done = true};
        } else if (element.is_document()) {
          inside[i].value = element;
        } else {
          inside[i] = {.value = {}, .next = 0, .done = true};
        }
      }
      return inside;
    };
    if (array.empty()) {
      run(with(Value(Type::kUndefined, nullptr)));
      return;
    }
    for (const bson::Element& element : array) run(with(element.value));
  }
};

template <class Visit>
void for_each_key(const IndexSpec& spec, bson::View document, std::vector<bool>* multikey,
                  Visit&& visit) {
  const Walk start{.value = Value(Type::kDocument, document.data())};
  Walker<Visit> walker(spec, multikey, visit);
  walker.run(std::vector<Walk>(spec.fields.size(), start));
}

void encode(const IndexSpec& spec, const std::vector<Walk>& walks, std::string& key) {
  for (std::size_t i = 0; i < walks.size(); ++i) {
    encode_value(walks[i].value, spec.fields[i].descending, key);
  }
}

}  // namespace

namespace {

// The value at a path without arrays; std::nullopt where there is one.
std::optional<Value> plain_value(bson::View document, const IndexField& field) {
  Value value(Type::kDocument, document.data());
  for (const std::string& component : field.components) {
    if (!value.is_document()) return value.is_array() ? std::nullopt : std::optional(Value{});
    value = value.as_document()[component];
  }
  return value.is_array() ? std::nullopt : std::optional(value);
}

// Most documents have no array on an index's paths, and so one key, which is made without a walk
// and in the memory of the one before. False where there is an array.
bool generate_plain(const IndexSpec& spec, bson::View document, KeySet& out) {
  out.keys.resize(1);
  std::string& key = out.keys.front();
  key.clear();
  bool all_missing = true;
  for (const IndexField& field : spec.fields) {
    const std::optional<Value> value = plain_value(document, field);
    if (!value) return false;
    all_missing = all_missing && value->is_missing();
    encode_value(*value, field.descending, key);
  }
  if (spec.sparse && all_missing) {
    out.keys.clear();
  } else {
    out.truncated = truncate_key(key);
  }
  return true;
}

}  // namespace

void generate_keys(const IndexSpec& spec, bson::View document, KeySet& out) {
  out.multikey.assign(spec.fields.size(), false);
  out.truncated = false;
  if (spec.partial_matcher && !spec.partial_matcher->matches(document)) {
    out.keys.clear();
    return;
  }
  if (generate_plain(spec, document, out)) return;
  out.keys.clear();
  for_each_key(spec, document, &out.multikey, [&](const std::vector<Walk>& walks) {
    if (spec.sparse && std::all_of(walks.begin(), walks.end(),
                                   [](const Walk& walk) { return walk.value.is_missing(); })) {
      return;
    }
    charge(Meter::kStep);
    std::string& key = out.keys.emplace_back();
    encode(spec, walks, key);
    if (truncate_key(key)) out.truncated = true;
  });
  if (out.keys.size() > 1) {
    std::sort(out.keys.begin(), out.keys.end());
    out.keys.erase(std::unique(out.keys.begin(), out.keys.end()), out.keys.end());
  }
}

bson::Document key_values(const IndexSpec& spec, bson::View document, std::string_view key) {
  bson::Document found;
  for_each_key(spec, document, nullptr, [&](const std::vector<Walk>& walks) {
    std::string candidate;
    encode(spec, walks, candidate);
    truncate_key(candidate);
    if (candidate != key) return;
    bson::Builder values;
    for (std::size_t i = 0; i < walks.size(); ++i) {
      const Value value = walks[i].value;
      const bool is_value = !value.is_missing() && !value.is(Type::kUndefined);
      values.append(spec.fields[i].path, is_value ? value : Value(Type::kNull, nullptr));
    }
    found = values.finish();
  });
  return found;
}

}  // namespace gesso::localdb
