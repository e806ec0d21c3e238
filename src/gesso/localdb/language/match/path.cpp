#include "gesso/localdb/language/match/path.hpp"
#include "gesso/base/meter.hpp"

#include <algorithm>
#include <charconv>

#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/matcher.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Value;
using bson::View;

class Walk {
  const FieldPath& path_;
  const LeafArrays arrays_;
  const LeafTest& test_;
  MatchDetails* const details_;

 public:
  Walk(const FieldPath& path, LeafArrays arrays, const LeafTest& test, MatchDetails* details)
      : path_(path), arrays_(arrays), test_(test), details_(details) {}

  // Component `depth` within `level`, which may be an array: then only a position leads on.
  bool from(View level, std::size_t depth) const {
    charge(level.size() / 8);
    const Value value = level[path_[depth]];
    if (is_last(depth)) return leaf(value, depth);
    if (value.is_document()) return from(value.as_document(), depth + 1);
    if (value.is_array()) return fan_out(value.as_document(), depth + 1);
    return passes(Value{}, depth);
  }

 private:
  bool is_last(std::size_t depth) const { return depth + 1 == path_.size(); }

  void record(std::size_t components, std::size_t position) const {
    if (details_ != nullptr) details_->record(path_.prefix(components), position);
  }

  bool passes(Value value, std::size_t depth) const {
    charge(Meter::kStep);
    std::optional<std::size_t> element;
    if (!test_.test(value, element)) return false;
    if (element) record(depth + 1, *element);
    return true;
  }

  bool leaf(Value value, std::size_t depth) const {
    if (value.is_array() && arrays_ == LeafArrays::kElementsAndWhole) {
      std::size_t position = 0;
      for (const Element& element : value.as_document()) {
        if (passes(element.value, depth)) {
          record(depth + 1, position);
          return true;
        }
        ++position;
      }
    }
    return passes(value, depth);
  }

  // An array stands before component `depth`.
  bool fan_out(View array, std::size_t depth) const {
    const std::optional<std::size_t> wanted = array_index(path_[depth]);
    std::size_t position = 0;
    for (const Element& element : array) {
      if (element.value.is_document() && from(element.value.as_document(), depth)) {
        record(depth, position);
        return true;
      }
      if (wanted == position && at_position(element.value, depth)) return true;
      ++position;
    }
    return false;
  }

  bool at_position(Value value, std::size_t depth) const {
    if (is_last(depth)) return passes(value, depth);
    if (!value.is_document() && !value.is_array()) return false;
    return from(value.as_document(), depth + 1);
  }
};

}  // namespace

std::optional<std::size_t> array_index(std::string_view component) {
  constexpr std::size_t kMaxDigits = 9;
  if (component.empty() || component.size() > kMaxDigits) return std::nullopt;
  if (component.size() > 1 && component.front() == '0') return std::nullopt;
  std::size_t index = 0;
  const char* const end = component.data() + component.size();
  const auto [stop, error] = std::from_chars(component.data(), end, index);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return index;
}

FieldPath::FieldPath(std::string_view dotted) : dotted_(dotted) {
  for (;;) {
    const std::size_t dot = dotted.find('.');
    parts_.emplace_back(dotted.substr(0, dot));
    if (dot == std::string_view::npos) return;
    dotted.remove_prefix(dot + 1);
  }
}

std::string_view FieldPath::prefix(std::size_t count) const {
  std::size_t length = 0;
  for (std::size_t i = 0; i < std::min(count, parts_.size()); ++i) length += parts_[i].size() + 1;
  return std::string_view(dotted_).substr(0, length == 0 ? 0 : length - 1);
}

bool is_reference_field(std::string_view name) {
  return name == "$ref" || name == "$id" || name == "$db";
}

void check_field_path(std::string_view dotted) {
  if (dotted.empty())
    throw CommandError(40352, "FieldPath cannot be constructed with empty string");
  if (dotted.back() == '.') throw CommandError(40353, "FieldPath must not end with a '.'.");
  if (std::ranges::count(dotted, '.') >= kMaxPathComponents) {
    throw CommandError(ErrorCode::kOverflow, "FieldPath is too long");
  }
  if (dotted.find('\0') != std::string_view::npos) {
    throw CommandError(16411, "FieldPath field names may not contain a null byte.");
  }
  for (std::size_t start = 0; start <= dotted.size();) {
    const std::size_t dot = std::min(dotted.find('.', start), dotted.size());
    if (dot == start) throw CommandError(15998, "FieldPath field names may not be empty strings.");
    if (dotted[start] == '$' && !is_reference_field(dotted.substr(start, dot - start))) {
      throw CommandError(16410,
                         "FieldPath field names may not start with '$'. Consider using "
                         "$getField or $setField.");
    }
    start = dot + 1;
  }
}

bool paths_overlap(std::string_view left, std::string_view right) {
  if (left.size() > right.size()) std::swap(left, right);
  return right.starts_with(left) && (left.size() == right.size() || right[left.size()] == '.');
}

bool any_at_path(View document, const FieldPath& path, LeafArrays arrays, const LeafTest& test,
                 MatchDetails* details) {
  return Walk(path, arrays, test, details).from(document, 0);
}

}  // namespace gesso::localdb
