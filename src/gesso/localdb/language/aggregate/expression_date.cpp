// The operators on dates.
#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/dates.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/nodes.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

std::int64_t date_of(Value value) {
  switch (value.type()) {
    case Type::kDate:
      return value.as_int64();
    case Type::kTimestamp:
      return std::int64_t{value.as_timestamp().seconds} * 1000;
    case Type::kObjectId: {
      const auto bytes = value.raw();
      const std::uint32_t seconds = static_cast<std::uint32_t>(bytes[0]) << 24 |
                                    static_cast<std::uint32_t>(bytes[1]) << 16 |
                                    static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
      return std::int64_t{seconds} * 1000;
    }
    default:
      throw CommandError(16006, "can't convert from BSON type " + type_text(value) + " to Date");
  }
}

// std::nullopt where the zone is null, which makes the result null.
std::optional<Zone> zone_of(Value value) {
  if (value.is_missing()) return Zone{};
  if (is_nullish(value)) return std::nullopt;
  if (!value.is_string()) {
    throw CommandError(40517, "timezone must evaluate to a string, found " + type_text(value));
  }
  return parse_zone(value.as_string());
}

std::int64_t integer_of(Value value, int code, const std::string& what) {
  const auto number = value.is_number() ? value.integer() : std::nullopt;
  if (!number) throw CommandError(code, what + " must be an integer, found " + value_text(value));
  return *number;
}

using Part = Value (*)(const DateParts& parts, Arena& arena);

class DatePart final : public Expression {
  Part part_;
  ExpressionPtr date_, zone_;  // the second may be null

 public:
  DatePart(Part part, ExpressionPtr date, ExpressionPtr zone)
      : part_(part), date_(std::move(date)), zone_(std::move(zone)) {}

  Value evaluate(Evaluation& evaluation) const override {
    const Value date = date_->evaluate(evaluation);
    if (is_nullish(date)) return Arena::null();
    Value name = zone_ ? zone_->evaluate(evaluation) : Value{};
    if (zone_ && is_nullish(name)) return Arena::null();
    if (!name.is_missing() && !name.is_string()) {
      throw CommandError(40533, "the timezone argument must be a string, found " + type_text(name));
    }
    const auto zone = zone_of(name);
    return part_(parts_of(date_of(date), *zone), evaluation.arena);
  }
};

struct PartEntry {
  std::string_view name;
  Part part;
};

constexpr std::array kParts = {
    PartEntry{"$year", [](const DateParts& p, Arena& a) { return a.int32(p.year); }},
    PartEntry{"$month", [](const DateParts& p, Arena& a) { return a.int32(p.month); }},
    PartEntry{"$dayOfMonth", [](const DateParts& p, Arena& a) { return a.int32(p.day); }},
    PartEntry{"$hour", [](const DateParts& p, Arena& a) { return a.int32(p.hour); }},
    PartEntry{"$minute", [](const DateParts& p, Arena& a) { return a.int32(p.minute); }},
    PartEntry{"$second", [](const DateParts& p, Arena& a) { return a.int32(p.second); }},
    PartEntry{"$millisecond", [](const DateParts& p, Arena& a) { return a.int32(p.millisecond); }},
    PartEntry{"$dayOfWeek", [](const DateParts& p, Arena& a) { return a.int32(p.weekday + 1); }},
    PartEntry{"$dayOfYear", [](const DateParts& p, Arena& a) { return a.int32(p.day_of_year); }},
    PartEntry{"$week", [](const DateParts& p,
                          Arena& a) { return a.int32((p.day_of_year - 1 - p.weekday + 7) / 7); }},
    PartEntry{"$isoWeek", [](const DateParts& p, Arena& a) { return a.int32(p.iso_week); }},
    PartEntry{"$isoWeekYear",
              [](const DateParts& p, Arena& a) { return a.int64(std::int64_t{p.iso_year}); }},
    PartEntry{"$isoDayOfWeek",
              [](const DateParts& p, Arena& a) { return a.int32(p.weekday == 0 ? 7 : p.weekday); }},
};

constexpr std::array kPartArguments = {NamedArgument{"date", true},
                                       NamedArgument{"timezone", false}};

// {$year: date}, {$year: [date]} and {$year: {date: date, timezone: zone}}
ExpressionPtr compile_part(std::string_view name, Value spec, ExpressionScope& scope) {
  const Part part = std::ranges::find(kParts, name, &PartEntry::name)->part;
  if (spec.is_document() && !is_operator_document(spec.as_document())) {
    const NamedEntry shape{name, kPartArguments, nullptr, 40535, 40535, 40539};
    const std::vector<Value> parts = named_specs(shape, spec);
    ExpressionPtr zone = parts[1].is_missing() ? nullptr : compile_expression(parts[1], scope);
    return std::make_unique<DatePart>(part, compile_expression(parts[0], scope), std::move(zone));
  }
  std::vector<ExpressionPtr> arguments = compile_arguments(spec, scope);
  if (arguments.size() != 1) {
    throw CommandError(40536, std::string(name) +
                                  " accepts exactly one argument if given an array, "
                                  "but was given " +
                                  std::to_string(arguments.size()));
  }
  return std::make_unique<DatePart>(part, std::move(arguments[0]), nullptr);
}

// What is no format, or no zone, is refused even where the value is null.
void check_format(Value format, int code, const std::string& name) {
  if (is_nullish(format)) return;
  if (!format.is_string()) {
    throw CommandError(code,
                       name + " requires that 'format' be a string, found: " + type_text(format));
  }
  (void)format_date(0, format.as_string(), Zone{});
}

Value to_text(Evaluation& evaluation, Arguments arguments) {
  const auto& [date, format, timezone, on_null] =
      std::tie(arguments[0], arguments[1], arguments[2], arguments[3]);
  check_format(format, 18533, "$dateToString");
  const auto zone = zone_of(timezone);
  if (is_nullish(date)) return on_null.is_missing() ? Arena::null() : on_null;
  if (!zone || (is_nullish(format) && !format.is_missing())) return Arena::null();
  std::string_view pattern =
      timezone.is_missing() || zone->offset == 0 ? kIsoFormat : "%Y-%m-%dT%H:%M:%S.%L";
  if (!format.is_missing()) pattern = format.as_string();
  return evaluation.arena.string(format_date(date_of(date), pattern, *zone));
}

Value from_text(Evaluation& evaluation, Arguments arguments) {
  const auto& [text, format, timezone, on_error, on_null] =
      std::tie(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4]);
  check_format(format, 40684, "$dateFromString");
  const auto zone = zone_of(timezone);
  if (is_nullish(text)) return on_null.is_missing() ? Arena::null() : on_null;
  if (!text.is_string()) {
    if (!on_error.is_missing()) return on_error;
    throw CommandError(241, "$dateFromString requires that 'dateString' be a string, found: " +
                                type_text(text) + " with value " + value_text(text));
  }
  if (!zone || (is_nullish(format) && !format.is_missing())) return Arena::null();
  const std::optional<std::int64_t> date =
      format.is_string() ? parse_date_as(text.as_string(), format.as_string(), *zone)
                         : parse_date(text.as_string(), *zone);
  if (date) return evaluation.arena.date(*date);
  if (!on_error.is_missing()) return on_error;
  throw CommandError(241, "Error parsing date string '" + std::string(text.as_string()) + "'");
}

Value from_parts(Evaluation& evaluation, Arguments arguments) {
  const auto zone = zone_of(arguments[7]);
  if (!zone) return Arena::null();
  std::array<std::int64_t, 7> parts = {1970, 1, 1, 0, 0, 0, 0};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (arguments[i].is_missing()) continue;
    if (is_nullish(arguments[i])) return Arena::null();
    parts[i] = integer_of(arguments[i], 40515, "a part of $dateFromParts");
    if (parts[i] < INT32_MIN || parts[i] > INT32_MAX) {
      throw CommandError(31034, "a part of $dateFromParts is out of range");
    }
  }
  if (parts[0] < 1 || parts[0] > 9999) {
    throw CommandError(40523, "'year' must evaluate to an integer in the range 1 to 9999, found " +
                                  std::to_string(parts[0]));
  }
  return evaluation.arena.date(
      date_of_parts(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6], *zone));
}

Value to_parts(Evaluation& evaluation, Arguments arguments) {
  const auto zone = zone_of(arguments[1]);
  if (!zone) return Arena::null();
  const Value iso = arguments[2];
  if (is_nullish(iso) && !iso.is_missing()) return Arena::null();
  if (!iso.is_missing() && !iso.is(Type::kBool)) {
    throw CommandError(40521, "iso8601 must evaluate to a bool, found " + type_text(iso));
  }
  if (is_nullish(arguments[0])) return Arena::null();
  const DateParts parts = parts_of(date_of(arguments[0]), *zone);
  bson::Builder result;
  if (iso.truthy()) {
    result.append("isoWeekYear", parts.iso_year);
    result.append("isoWeek", parts.iso_week);
    result.append("isoDayOfWeek", parts.weekday == 0 ? 7 : parts.weekday);
  } else {
    result.append("year", parts.year);
    result.append("month", parts.month);
    result.append("day", parts.day);
  }
  result.append("hour", parts.hour);
  result.append("minute", parts.minute);
  result.append("second", parts.second);
  result.append("millisecond", parts.millisecond);
  return evaluation.arena.document(result.finish());
}

DateUnit unit_of(Value value, const std::string& name) {
  if (!value.is_string()) {
    throw CommandError(5439013,
                       name + " requires 'unit' to be a string, but got " + type_text(value));
  }
  return parse_date_unit(value.as_string());
}

int week_start_of(Value value, const std::string& name) {
  if (value.is_missing()) return 0;
  if (!value.is_string()) {
    throw CommandError(
        5439015, name + " requires 'startOfWeek' to be a string, but got " + type_text(value));
  }
  return parse_weekday(value.as_string());
}

Value truncated(Evaluation& evaluation, Arguments arguments) {
  const auto& [date, unit, bin_size, timezone, start_of_week] =
      std::tie(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4]);
  const auto zone = zone_of(timezone);
  if (is_nullish(date) || is_nullish(unit) || !zone || bin_size.is_null()) return Arena::null();
  const std::int64_t size =
      bin_size.is_missing() ? 1 : integer_of(bin_size, 5439017, "$dateTrunc: 'binSize'");
  if (size <= 0) {
    throw CommandError(5439018,
                       "$dateTrunc requires 'binSize' to be greater than 0, but got value " +
                           std::to_string(size));
  }
  return evaluation.arena.date(truncate_date(date_of(date), unit_of(unit, "$dateTrunc"), size,
                                             *zone, week_start_of(start_of_week, "$dateTrunc")));
}

template <int kSign>
Value moved(Evaluation& evaluation, Arguments arguments) {
  const auto& [date, unit, amount, timezone] =
      std::tie(arguments[0], arguments[1], arguments[2], arguments[3]);
  const std::string name = kSign > 0 ? "$dateAdd" : "$dateSubtract";
  const auto zone = zone_of(timezone);
  if (is_nullish(date) || is_nullish(unit) || is_nullish(amount) || !zone) return Arena::null();
  const std::int64_t units = integer_of(amount, 5166405, name + ": 'amount'");
  if (units == INT64_MIN) throw CommandError(ErrorCode::kOverflow, "date overflow");
  return evaluation.arena.date(
      add_to_date(date_of(date), unit_of(unit, name), kSign * units, *zone));
}

Value difference(Evaluation& evaluation, Arguments arguments) {
  const auto& [start, end, unit, timezone, start_of_week] =
      std::tie(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4]);
  const auto zone = zone_of(timezone);
  if (is_nullish(start) || is_nullish(end) || is_nullish(unit) || !zone) return Arena::null();
  return evaluation.arena.int64(date_difference(date_of(start), date_of(end),
                                                unit_of(unit, "$dateDiff"), *zone,
                                                week_start_of(start_of_week, "$dateDiff")));
}

constexpr std::array kToText = {NamedArgument{"date", true}, NamedArgument{"format", false},
                                NamedArgument{"timezone", false}, NamedArgument{"onNull", false}};
constexpr std::array kFromText = {NamedArgument{"dateString", true}, NamedArgument{"format", false},
                                  NamedArgument{"timezone", false}, NamedArgument{"onError", false},
                                  NamedArgument{"onNull", false}};
constexpr std::array kFromParts = {
    NamedArgument{"year", true},         NamedArgument{"month", false},
    NamedArgument{"day", false},         NamedArgument{"hour", false},
    NamedArgument{"minute", false},      NamedArgument{"second", false},
    NamedArgument{"millisecond", false}, NamedArgument{"timezone", false}};
constexpr std::array kToParts = {NamedArgument{"date", true}, NamedArgument{"timezone", false},
                                 NamedArgument{"iso8601", false}};
constexpr std::array kTruncate = {NamedArgument{"date", true}, NamedArgument{"unit", true},
                                  NamedArgument{"binSize", false}, NamedArgument{"timezone", false},
                                  NamedArgument{"startOfWeek", false}};
constexpr std::array kMove = {NamedArgument{"startDate", true}, NamedArgument{"unit", true},
                              NamedArgument{"amount", true}, NamedArgument{"timezone", false}};
constexpr std::array kDifference = {
    NamedArgument{"startDate", true}, NamedArgument{"endDate", true}, NamedArgument{"unit", true},
    NamedArgument{"timezone", false}, NamedArgument{"startOfWeek", false}};

constexpr std::array kNamed = {
    NamedEntry{"$dateToString", kToText, to_text, 18629, 18534, 18628},
    NamedEntry{"$dateFromString", kFromText, from_text, 40540, 40541, 40542},
    NamedEntry{"$dateFromParts", kFromParts, from_parts, 40519, 40518, 40516},
    NamedEntry{"$dateToParts", kToParts, to_parts, 40524, 40520, 40522},
    NamedEntry{"$dateTrunc", kTruncate, truncated, 5439007, 5439008, 5439009},
    NamedEntry{"$dateAdd", kMove, moved<1>, 5166400, 5166401, 5166402},
    NamedEntry{"$dateSubtract", kMove, moved<-1>, 5166400, 5166401, 5166402},
    NamedEntry{"$dateDiff", kDifference, difference, 5166301, 5166302, 5166303},
};

template <std::size_t... kIndexes>
constexpr auto part_specials(std::index_sequence<kIndexes...>) {
  return std::array{SpecialEntry{kParts[kIndexes].name, compile_part}...};
}
constexpr auto kSpecials = part_specials(std::make_index_sequence<kParts.size()>{});

}  // namespace

std::span<const NamedEntry> date_named() { return kNamed; }
std::span<const SpecialEntry> date_part_specials() { return kSpecials; }

}  // namespace gesso::localdb
