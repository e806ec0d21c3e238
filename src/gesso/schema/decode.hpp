// What every decoder shares: the format, the place where it is, and the violations so far.
//
// A decode is one pass over the elements of a document; it does not stop at the first violation.
// Owned by one decode, not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::schema {

enum class Format {
  kBson,  // as stored: `_id`, dates are dates; unknown fields belong to someone else
  kJson,  // as a client sends it (parsed to BSON): `id`, dates are ISO 8601 strings; an unknown
          // field is a violation, since it is a misspelt one more often than not
};

// One step on the way from the document to a value; lives on the decoder's stack.
struct At {
  static constexpr std::size_t kNoIndex = static_cast<std::size_t>(-1);

  const At* up = nullptr;
  std::string_view name = {};
  std::size_t index = kNoIndex;

  // The whole way: the document itself is the empty path.
  [[nodiscard]] Path path() const;
};

class Decoding {
  Format format_;
  std::vector<Violation> violations_;

 public:
  // More are counted by nobody: an input of a million wrong items earns no million answers.
  static constexpr std::size_t kMaxViolations = 100;

  explicit Decoding(Format format) : format_(format) {}

  [[nodiscard]] Format format() const noexcept { return format_; }
  [[nodiscard]] bool ok() const noexcept { return violations_.empty(); }
  [[nodiscard]] std::vector<Violation>& violations() noexcept { return violations_; }

  // Puts `at` before the path that the violation has.
  void add(const At& at, Violation violation);
};

// Reads one value of a plain type; what is wrong with it where it is not one. `expected` is left
// to the caller.
[[nodiscard]] std::optional<Violation> read(bson::Value value, Format format,
                                            std::string_view& into);
// Any number that is integral: 5, 5.0.
[[nodiscard]] std::optional<Violation> read(bson::Value value, Format format, std::int64_t& into);
// Any finite number.
[[nodiscard]] std::optional<Violation> read(bson::Value value, Format format, double& into);
[[nodiscard]] std::optional<Violation> read(bson::Value value, Format format, bool& into);
[[nodiscard]] std::optional<Violation> read(bson::Value value, Format format, Time& into);

// The error for a stored document that does not decode: kInternal (the reader is not to blame),
// its message and details name the collection, the `_id`, and for each violation the path, what
// was expected and what was found.
[[nodiscard]] Error undecodable(std::string_view ns, bson::View document,
                                std::vector<Violation> violations);

}  // namespace gesso::schema
