// What `gesso doctor` says: a line for each check, or one JSON object.
//
// Values and pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gesso::cli {

enum class Health {
  kOk,
  kWarn,  // works, and will not for ever
  kFail,
  kSkipped,  // not looked at: `found` says why
};

// "ok", "warn", "FAIL", "skipped"
[[nodiscard]] std::string_view to_string(Health health);

struct Check {
  std::string name;  // one word
  Health health = Health::kOk;
  std::string found;        // holds no secret
  std::string advice = {};  // what to do about it; empty where there is nothing to do
};

// "FAIL     vault       no answer -> check its name", without a line's end whatever the texts hold.
[[nodiscard]] std::string to_line(const Check& check);

// {"ok": whether none failed, "checks": [{"name", "status", "found", "advice"}]}
[[nodiscard]] std::string to_json(std::span<const Check> checks);

}  // namespace gesso::cli
