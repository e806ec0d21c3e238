// A string that must not leak: it zeroes its memory, does not print and is not copied by accident.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace gesso {

class Secret {
  std::string value_;

 public:
  Secret() = default;
  // Takes the value and wipes the argument's memory.
  explicit Secret(std::string&& value);
  explicit Secret(std::string_view value) : value_(value) {}
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  // The one way to the value, under a name that a search through the sources finds. The view is
  // valid as long as the secret holds the value.
  [[nodiscard]] std::string_view reveal() const noexcept { return value_; }
  [[nodiscard]] bool empty() const noexcept { return value_.empty(); }
  [[nodiscard]] Secret clone() const { return Secret(std::string_view(value_)); }

  // Compares in a time that depends on the lengths only.
  [[nodiscard]] bool equals(std::string_view other) const noexcept;
};

// Overwrites the bytes in a way that no optimiser removes.
void wipe(std::string& text) noexcept;

// Compares in a time that depends on the lengths only.
[[nodiscard]] bool constant_time_equal(std::string_view left, std::string_view right) noexcept;

}  // namespace gesso
