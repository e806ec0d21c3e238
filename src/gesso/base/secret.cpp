#include "gesso/base/secret.hpp"

#include <string.h>  // explicit_bzero

namespace gesso {

void wipe(std::string& text) noexcept {
  ::explicit_bzero(text.data(), text.capacity());
  text.clear();
}

bool constant_time_equal(std::string_view left, std::string_view right) noexcept {
  if (left.size() != right.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    difference = static_cast<unsigned char>(difference | (left[i] ^ right[i]));
  }
  return difference == 0;
}

Secret::Secret(std::string&& value) : value_(value) { wipe(value); }

Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { wipe(other.value_); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe(value_);
    value_ = std::move(other.value_);
    wipe(other.value_);
  }
  return *this;
}

Secret::~Secret() { wipe(value_); }

bool Secret::equals(std::string_view other) const noexcept {
  return constant_time_equal(value_, other);
}

}  // namespace gesso
