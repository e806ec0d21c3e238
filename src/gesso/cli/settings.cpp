#include "gesso/cli/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "gesso/cli/settings_text.hpp"

namespace gesso::cli {
namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return result;
}

struct Unit {
  std::string_view name;
  std::int64_t millis;
};
constexpr std::array kUnits{Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1000},
                            Unit{"ms", 1}};

std::string duration_text(std::chrono::milliseconds value) {
  for (const Unit& unit : kUnits) {
    if (value.count() % unit.millis == 0 && value.count() >= unit.millis) {
      return std::to_string(value.count() / unit.millis) + std::string(unit.name);
    }
  }
  return "0s";
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string Setting::environment_name() const {
  return std::string(kEnvironmentPrefix) + upper(key);
}

std::string Setting::flag() const {
  std::string text = "--" + std::string(key);
  std::ranges::replace(text, '_', '-');
  return text;
}

std::string show(const Settings& settings, const Setting& setting) {
  return std::visit(
      [&]<class T>(T Settings::*member) -> std::string {
        const T& value = settings.*member;
        if constexpr (std::is_same_v<T, bool>) {
          return value ? "true" : "false";
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
          return std::to_string(value);
        } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
          return duration_text(value);
        } else if constexpr (std::is_same_v<T, Secret>) {
          return value.empty() ? "(not set)" : "(hidden)";
        } else {
          return value.empty() ? "(not set)" : value;
        }
      },
      setting.member);
}

std::optional<std::string_view> nearest(std::string_view text,
                                        std::span<const std::string_view> candidates) {
  // Levenshtein's distance, one row at a time. Long texts are no slips, and would take long.
  if (text.size() > 100) return std::nullopt;
  const auto distance = [text](std::string_view other) {
    std::vector<std::size_t> row(text.size() + 1);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = i;
    for (std::size_t j = 0; j < other.size(); ++j) {
      std::size_t diagonal = row[0];
      row[0] = j + 1;
      for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t change = diagonal + (text[i] == other[j] ? 0 : 1);
        diagonal = row[i + 1];
        row[i + 1] = std::min({row[i] + 1, row[i + 1] + 1, change});
      }
    }
    return row.back();
  };
  std::optional<std::string_view> best;
  std::size_t fewest = std::max<std::size_t>(2, text.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t edits = distance(candidate);
    if (edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

Settings clone(const Settings& settings) {
  Settings copy;
  const auto copy_member = [&](auto member) {
    if constexpr (std::is_same_v<decltype(member), Secret Settings::*>) {
      copy.*member = (settings.*member).clone();
    } else {
      copy.*member = settings.*member;
    }
  };
  for (const Setting& setting : setting_table()) std::visit(copy_member, setting.member);
  return copy;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_integer(text.substr(0, digits));
  const auto* unit = std::ranges::find(kUnits, text.substr(digits), &Unit::name);
  constexpr std::int64_t kMostDays = 3650;
  if (!number || unit == kUnits.end() || *number > kMostDays * 86'400'000 / unit->millis) {
    return std::nullopt;
  }
  return std::chrono::milliseconds{*number * unit->millis};
}

std::optional<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of(":[] /") != std::string_view::npos) {
    return std::nullopt;
  }
  return Address{.host = std::string(host), .port = static_cast<std::uint16_t>(*port)};
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.push_back(part);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

}  // namespace gesso::cli
