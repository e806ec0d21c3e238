#include "gesso/schema/id.hpp"

#include <algorithm>

namespace gesso::schema {

bool detail::is_prefixed_id(std::string_view text, std::string_view prefix) noexcept {
  constexpr std::size_t kLongest = 64;
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return !text.empty() && text.size() <= kLongest && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-';
  });
}

}  // namespace gesso::schema
