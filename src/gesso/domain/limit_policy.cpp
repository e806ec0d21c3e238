#include "gesso/domain/limit_policy.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <vector>

#include "gesso/base/error.hpp"

namespace gesso::domain {

using namespace std::chrono_literals;

namespace {

constexpr std::chrono::seconds kDay = 24h;
// What an integer of a structured header field holds (RFC 8941, section 3.3.1).
constexpr std::int64_t kMostRequests = 999'999'999'999'999;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find_first_of(separators);
    parts.push_back(trim(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<std::chrono::seconds> window(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto count = number(text.substr(0, text.size() - 1));
  if (!count || *count < 1 || *count > kDay.count()) return std::nullopt;
  std::chrono::seconds seconds{*count};
  switch (text.back()) {
    case 's':
      break;
    case 'm':
      seconds *= 60;
      break;
    case 'h':
      seconds *= 3600;
      break;
    case 'd':
      seconds *= 86400;
      break;
    default:
      return std::nullopt;
  }
  if (seconds > kDay) return std::nullopt;
  return seconds;
}

// One entry of the settings. What is wrong with it is thrown as a text.
class Entry {
  std::string_view text_;

  [[noreturn]] static void fail(const std::string& expected) {
    throw std::invalid_argument(expected);
  }

  template <schema::TextEnum E>
  static std::vector<E> choices(std::string_view text, std::size_t first) {
    std::vector<E> all;
    std::string names;
    for (std::size_t i = first; i < schema::kWireTexts<E>.size(); ++i) {
      all.push_back(static_cast<E>(i));
      names += std::string(schema::kWireTexts<E>[i]) + ", ";
    }
    if (text == "*") return all;
    const auto one = schema::parse_enum<E>(text);
    if (!one || static_cast<std::size_t>(*one) < first) {
      fail("one of " + names + "or *, not \"" + std::string(text) + "\"");
    }
    return {*one};
  }

  static Quota quota(std::string_view text) {
    const auto slash = text.find('/');
    const auto limit = number(trim(text.substr(0, slash)));
    if (!limit || *limit > kMostRequests || slash == std::string_view::npos) {
      fail("a number of requests, a \"/\" and a window as in 10/1m, not \"" + std::string(text) +
           "\"");
    }
    const std::string_view length = trim(text.substr(slash + 1));
    const auto seconds = window(length);
    if (!seconds) {
      fail("a window of 1s to 1d in s, m, h or d, not \"" + std::string(length) + "\"");
    }
    return {.name = *seconds == kDay ? kDaily : kBurst, .limit = *limit, .window = *seconds};
  }

  static QuotaList quotas(std::string_view text) {
    QuotaList list;
    if (text == "unlimited") return list;
    for (const std::string_view part : split(text, ",")) {
      const Quota next = quota(part);
      for (const Quota& other : list.view()) {
        if (other.name == next.name) {
          fail("one quota for a day and one for a shorter window at most, not two that are " +
               std::string(next.name));
        }
      }
      list.add(next);
    }
    return list;
  }

 public:
  explicit Entry(std::string_view text) : text_(text) {}

  void apply_to(LimitTable& table) const {
    const auto equals = text_.find('=');
    const std::string_view who = trim(text_.substr(0, equals));
    const auto dot = who.find('.');
    if (equals == std::string_view::npos || dot == std::string_view::npos) {
      fail("tier.class = quotas, as in free.read = 120/1m, 10000/1d");
    }
    const auto tiers = choices<LimitTier>(who.substr(0, dot), 0);
    const auto classes = choices<LimitClass>(who.substr(dot + 1), 1);
    const QuotaList list = quotas(trim(text_.substr(equals + 1)));
    for (const LimitTier tier : tiers) {
      for (const LimitClass limit_class : classes) table.set(tier, limit_class, list);
    }
  }
};

QuotaList both(std::int64_t a_minute, std::int64_t a_day) {
  QuotaList list;
  list.add({.name = kBurst, .limit = a_minute, .window = 1min});
  list.add({.name = kDaily, .limit = a_day, .window = kDay});
  return list;
}

}  // namespace

LimitTier limit_tier(models::SubscriptionTier tier) {
  switch (tier) {
    case models::SubscriptionTier::kFree:
      return LimitTier::kFree;
    case models::SubscriptionTier::kBasic:
      return LimitTier::kBasic;
    case models::SubscriptionTier::kPro:
      return LimitTier::kPro;
    case models::SubscriptionTier::kEnterprise:
      return LimitTier::kEnterprise;
  }
  throw std::logic_error("no such tier");
}

void LimitTable::set(LimitTier tier, LimitClass limit_class, const QuotaList& quotas) {
  quotas_[static_cast<std::size_t>(tier)][static_cast<std::size_t>(limit_class)] = quotas;
}

LimitTable default_limits() {
  struct Row {
    LimitTier tier;
    QuotaList read, write, generate;
  };
  const Row rows[] = {
      {LimitTier::kAnonymous, both(300, 20'000), both(60, 2'000), both(5, 20)},
      {LimitTier::kFree, both(600, 50'000), both(120, 5'000), both(20, 200)},
      {LimitTier::kBasic, both(1'200, 100'000), both(240, 20'000), both(40, 1'000)},
      {LimitTier::kPro, both(2'400, 400'000), both(480, 100'000), both(120, 10'000)},
      {LimitTier::kEnterprise, both(12'000, 4'000'000), both(2'400, 1'000'000), both(600, 100'000)},
  };
  LimitTable table;
  for (const Row& row : rows) {
    table.set(row.tier, LimitClass::kRead, row.read);
    table.set(row.tier, LimitClass::kWrite, row.write);
    table.set(row.tier, LimitClass::kGenerate, row.generate);
    // Nobody who signs in has a tier yet, and an address may be that of a whole office. What an
    // account may be tried is narrower: see limited_attempts.hpp.
    table.set(row.tier, LimitClass::kLogin, both(300, 20'000));
    // Of our own machines: against a loop that runs wild.
    table.set(row.tier, LimitClass::kWorker, both(1'200, 1'000'000));
  }
  return table;
}

LimitTable parse_limits(std::string_view text) {
  LimitTable table = default_limits();
  std::vector<Violation> violations;
  for (const std::string_view entry : split(text, ";\n")) {
    if (entry.empty()) continue;
    try {
      Entry(entry).apply_to(table);
    } catch (const std::invalid_argument& wrong) {
      violations.push_back({.path = {"limits"},
                            .type = "value_error",
                            .message = "Value error, expected " + std::string(wrong.what()) +
                                       " in \"" + std::string(entry) + "\"",
                            .expected = wrong.what(),
                            .found = "\"" + std::string(entry) + "\""});
    }
  }
  if (!violations.empty()) throw validation_error(std::move(violations));
  return table;
}

}  // namespace gesso::domain
