#include "gesso/domain/model_table.hpp"

#include <algorithm>
#include <charconv>

namespace gesso::domain {
namespace {

constexpr std::int64_t kMostCredits = 10'000;

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// What stands before the separator; the text keeps what stands behind it.
std::string_view cut(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view part = trim(text.substr(0, at));
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return part;
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7F'; });
}

bool is_size(std::string_view text) {
  return schema::parse_enum<models::ImageSize>(text).has_value();
}

bool take(ModelEntry& entry, std::string_view name, std::string_view value) {
  if (!is_plain(name) || !is_plain(value)) return false;
  if (name == "credits") {
    const char* const end = value.data() + value.size();
    const auto [read, error] = std::from_chars(value.data(), end, entry.credits);
    return error == std::errc{} && read == end && entry.credits >= 0 &&
           entry.credits <= kMostCredits;
  }
  auto& into = is_size(name) ? entry.sizes : entry.parameters;
  return into.emplace(name, value).second;
}

}  // namespace

std::string_view ModelEntry::size_for(models::ImageSize size) const {
  const auto found = sizes.find(to_string(size));
  return found == sizes.end() ? to_string(size) : std::string_view(found->second);
}

std::optional<ModelEntry> read_model(std::string_view text) {
  ModelEntry entry;
  std::string_view who = cut(text, ',');
  if (who.empty()) return text.empty() ? std::optional(entry) : std::nullopt;
  const auto provider = schema::parse_enum<ProviderKind>(cut(who, ' '));
  if (!provider) return std::nullopt;
  entry.provider = *provider;
  entry.model = trim(who);
  const bool needs_model = entry.provider != ProviderKind::kPreview;
  if (needs_model != is_plain(entry.model)) return std::nullopt;
  while (!trim(text).empty()) {
    std::string_view value = cut(text, ',');
    const std::string_view name = cut(value, '=');
    if (!take(entry, name, trim(value))) return std::nullopt;
  }
  return entry;
}

bool ModelTable::uses(ProviderKind provider) const {
  return std::ranges::any_of(entries_,
                             [&](const ModelEntry& entry) { return entry.provider == provider; });
}

}  // namespace gesso::domain
