#include "gesso/schema/id.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace gesso::schema {

namespace {

constexpr std::array<bool, 256> kAllowed = [] {
  std::array<bool, 256> allowed{};
  for (const char c : std::string_view("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "abcdefghijklmnopqrstuvwxyz_-")) {
    allowed[static_cast<unsigned char>(c)] = true;
  }
  return allowed;
}();

}  // namespace

bool detail::is_prefixed_id(std::string_view text, std::string_view prefix) noexcept {
  constexpr std::size_t kLongest = 64;
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return !text.empty() && text.size() <= kLongest &&
         std::ranges::all_of(text, [](char c) { return kAllowed[static_cast<unsigned char>(c)]; });
}

}  // namespace gesso::schema
