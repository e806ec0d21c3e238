// Dotted paths, split once, and the walk that conditions of the query language take along them.
//
// Values; thread-safe as any const data.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/view.hpp"

namespace gesso::localdb {

class MatchDetails;

// A path component that is an array position: digits without a leading zero, below 10^7 or so.
[[nodiscard]] std::optional<std::size_t> array_index(std::string_view component);

// `$ref`, `$id`, `$db`: the names that begin with `$` and still are fields, those of a DBRef.
[[nodiscard]] bool is_reference_field(std::string_view name);

class FieldPath {
  std::string dotted_;
  std::vector<std::string> parts_;

 public:
  FieldPath() = default;
  explicit FieldPath(std::string_view dotted);

  [[nodiscard]] const std::string& dotted() const noexcept { return dotted_; }
  [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }
  [[nodiscard]] const std::string& operator[](std::size_t i) const { return parts_[i]; }
  [[nodiscard]] const std::vector<std::string>& parts() const noexcept { return parts_; }
  // The first `count` components, dotted.
  [[nodiscard]] std::string_view prefix(std::size_t count) const;
};

// Deeper than a document may be nested, so that recursion along a path is bounded.
constexpr int kMaxPathComponents = 200;

// Refuses what is no path to a field of a document. Throws CommandError: 40352 for "", 15998 for an
// empty component, 40353 for a dot at the end, 16410 for a component that begins with `$`
// and is none of a DBRef, 16411 for a NUL, 15 for more than kMaxPathComponents.
void check_field_path(std::string_view dotted);

// Whether one path equals the other or leads to it.
[[nodiscard]] bool paths_overlap(std::string_view left, std::string_view right);

enum class LeafArrays {
  kElementsAndWhole,  // an array at the path's end is offered element by element, then whole
  kWhole,
};

// What a walk asks about each value; a missing one where the path ends in nothing.
class LeafTest {
 public:
  LeafTest() = default;
  LeafTest(const LeafTest&) = delete;
  LeafTest& operator=(const LeafTest&) = delete;
  virtual ~LeafTest() = default;
  // A test that looks into an array itself sets `element` to the position that passed.
  [[nodiscard]] virtual bool test(bson::Value value, std::optional<std::size_t>& element) const = 0;
};

// Whether any value at `path` passes. Every array on the way fans out over its documents; a
// component of digits is tried as a position and as a name. Records the position in every array
// that fanned out, the outermost last.
[[nodiscard]] bool any_at_path(bson::View document, const FieldPath& path, LeafArrays arrays,
                               const LeafTest& test, MatchDetails* details);

}  // namespace gesso::localdb
