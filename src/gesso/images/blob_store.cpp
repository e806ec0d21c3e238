#include "gesso/images/blob_store.hpp"

#include <algorithm>

#include "gesso/base/text.hpp"

namespace gesso::images {

bool is_blob_name(std::string_view text) noexcept {
  constexpr std::size_t kMaxSize = 512;
  if (text.empty() || text.size() > kMaxSize) return false;
  while (true) {
    const std::string_view segment = text.substr(0, text.find('/'));
    const auto is_plain = [](char c) {
      return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
    };
    if (segment.empty() || segment.front() == '.' || !std::ranges::all_of(segment, is_plain)) {
      return false;
    }
    if (segment.size() == text.size()) return true;
    text.remove_prefix(segment.size() + 1);
  }
}

}  // namespace gesso::images
