#include "gesso/cli/doctor_report.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "gesso/bson/builder.hpp"
#include "gesso/schema/json_text.hpp"

namespace gesso::cli {
namespace {

// The error of a chain of credentials has a line for each.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += out.ends_with(':') ? "" : ";";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += '?';
    } else if (c != ' ' || !out.ends_with(' ')) {
      if (out.ends_with(';') && c != ' ') out += ' ';
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string_view to_string(Health health) {
  switch (health) {
    case Health::kOk:
      return "ok";
    case Health::kWarn:
      return "warn";
    case Health::kFail:
      return "FAIL";
    case Health::kSkipped:
      return "skipped";
  }
  return "FAIL";
}

std::string to_line(const Check& check) {
  std::string line =
      fmt::format("{:<8} {:<11} {}", to_string(check.health), check.name, one_line(check.found));
  if (!check.advice.empty()) line += " -> " + one_line(check.advice);
  return line;
}

std::string to_json(std::span<const Check> checks) {
  bson::Builder list;
  for (const Check& check : checks) {
    list.push(bson::make_document("name", check.name, "status", to_string(check.health), "found",
                                  one_line(check.found), "advice", one_line(check.advice)));
  }
  const bool ok = std::ranges::none_of(
      checks, [](const Check& check) { return check.health == Health::kFail; });
  bson::Builder report;
  report.append("ok", ok);
  report.append("checks", bson::Array(list.finish()));
  return schema::json_text(report.finish());
}

}  // namespace gesso::cli
