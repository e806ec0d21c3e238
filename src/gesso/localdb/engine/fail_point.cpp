#include "gesso/localdb/engine/fail_point.hpp"

#include <algorithm>
#include <utility>

#include "gesso/localdb/engine/arguments.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr Field kFields[] = {
    {"configureFailPoint", kString, Presence::kRequired},
    {"mode", kString | kObject, Presence::kRequired},
    {"data", kObject},
};
constexpr Field kModeFields[] = {{"times", kNumber}, {"skip", kNumber}};
constexpr Field kDataFields[] = {{"failCommands", kArray},       {"errorCode", kNumber},
                                 {"errorLabels", kArray},        {"closeConnection", kFlag},
                                 {"blockConnection", kFlag},     {"blockTimeMS", kNumber},
                                 {"writeConcernError", kObject}, {"appName", kString},
                                 {"errorExtraInfo", kObject},    {"failInternalCommands", kFlag}};

std::vector<std::string> strings(const Arguments& data, std::string_view field) {
  std::vector<std::string> texts;
  for (const auto& [key, value] : data.document(field)) {
    check_type(field, value, kString);
    texts.emplace_back(value.as_string());
  }
  return texts;
}

}  // namespace

std::int64_t FailPoint::configure(bson::View body) {
  const Arguments arguments("configureFailPoint", kFields, body, {});
  if (arguments.string("configureFailPoint") != "failCommand") {
    throw CommandError(ErrorCode::kBadValue,
                       "the one fail point is 'failCommand', not '" +
                           std::string(arguments.string("configureFailPoint")) + "'");
  }
  const bson::Value mode = arguments["mode"];
  std::optional<Rule> rule;
  if (mode.is_document() || mode.as_string() == "alwaysOn") {
    rule = Rule{};  // Clang 14 does not take emplace() of a nested aggregate with defaults
  } else if (mode.as_string() != "off") {
    throw CommandError(ErrorCode::kBadValue, "mode is 'off', 'alwaysOn', {times: n} or {skip: n}");
  }
  if (rule) {
    if (mode.is_document()) {
      const Arguments counts("configureFailPoint.mode", kModeFields, mode.as_document());
      rule->times = counts.integer("times", 1);
      rule->skip = counts.integer("skip", 0).value_or(0);
    }
    const Arguments data("configureFailPoint.data", kDataFields, arguments.document("data"));
    rule->commands = strings(data, "failCommands");
    rule->app_name = data.string("appName");
    rule->action.close_connection = data.flag("closeConnection");
    rule->action.error_labels = strings(data, "errorLabels");
    if (const auto code = data.integer("errorCode", 0)) {
      rule->action.error_code = static_cast<int>(*code);
    }
    if (data.flag("blockConnection")) {
      rule->action.block = std::chrono::milliseconds{data.integer("blockTimeMS", 0).value_or(0)};
    }
    rule->action.write_concern_error = bson::Document(data.document("writeConcernError"));
  }
  const std::lock_guard lock(mutex_);
  rule_ = std::move(rule);
  armed_.store(rule_.has_value(), std::memory_order_release);
  return std::exchange(entered_, 0);
}

std::optional<FailPoint::Action> FailPoint::enter(std::string_view command,
                                                  std::string_view app_name) {
  if (!armed_.load(std::memory_order_acquire)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (!rule_) return std::nullopt;
  if (std::ranges::find(rule_->commands, command) == rule_->commands.end()) return std::nullopt;
  if (!rule_->app_name.empty() && rule_->app_name != app_name) return std::nullopt;
  if (rule_->skip > 0) {
    --rule_->skip;
    return std::nullopt;
  }
  ++entered_;
  Action action = rule_->action;
  if (rule_->times && --*rule_->times == 0) {
    rule_.reset();
    armed_.store(false, std::memory_order_release);
  }
  return action;
}

}  // namespace gesso::localdb
