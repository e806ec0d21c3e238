#include "gesso/cli/logging.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "gesso/http/request.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::cli {
namespace {

// Its messages are whole lines.
constexpr const char* kAccessLogger = "access";

std::string_view as_view(spdlog::string_view_t text) { return {text.data(), text.size()}; }

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto append = [&](std::string_view text) {
      out.append(text.data(), text.data() + text.size());
    };
    if (as_view(message.logger_name) == kAccessLogger) {
      append(as_view(message.payload));
    } else {
      append(json_line(std::chrono::time_point_cast<std::chrono::milliseconds>(message.time),
                       as_view(spdlog::level::to_string_view(message.level)),
                       as_view(message.payload)));
    }
    append("\n");
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

// `,"name":value`
template <class T>
void member(std::string& out, std::string_view name, const T& value) {
  out.append(",\"").append(name).append("\":");
  schema::write_json(out, value);
}

void text_or_null(std::string& out, std::string_view name, std::string_view text) {
  member(out, name, text.empty() ? std::nullopt : std::optional(text));
}

std::string line_of(Time time, std::string_view level, std::string_view message) {
  std::string out = R"({"time":)";
  schema::write_json(out, time);
  member(out, "level", level);
  member(out, "message", message);
  return out;
}

}  // namespace

std::string json_line(Time time, std::string_view level, std::string_view message) {
  return line_of(time, level, message) + '}';
}

std::string json_line(Time time, const api::Record& record) {
  std::string out = line_of(time, "info", "request");
  member(out, "request_id", record.request_id);
  text_or_null(out, "user_id", record.user_id);
  text_or_null(out, "operation", record.operation);
  member(out, "method", record.method);
  member(out, "path", record.path);
  member(out, "status", std::int64_t{record.status});
  member(out, "duration_us", std::int64_t{record.duration.count()});
  text_or_null(out, "address", record.address);
  if (record.request_units) {
    out += ",\"request_units\":" + fmt::format("{:.2f}", *record.request_units);
  }
  return out + '}';
}

void set_up_logging(const Settings& settings) {
  const auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  const auto make = [&](const char* name) {
    auto logger = std::make_shared<spdlog::logger>(name, sink);
    if (settings.log_format == "json") {
      logger->set_formatter(std::make_unique<JsonFormatter>());
    } else {
      logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
    }
    logger->set_level(spdlog::level::from_str(settings.log_level));
    logger->flush_on(spdlog::level::warn);
    return logger;
  };
  spdlog::drop(kAccessLogger);
  spdlog::register_logger(make(kAccessLogger));
  spdlog::set_default_logger(make("gesso"));
}

api::AccessLog access_log(const Settings& settings) {
  const std::shared_ptr<spdlog::logger> logger = spdlog::get(kAccessLogger);
  if (settings.log_format == "json") {
    return [logger](const api::Record& record) {
      logger->info("{}", json_line(SystemClock().now(), record));
    };
  }
  return [logger](const api::Record& record) {
    const std::string cost =
        record.request_units ? fmt::format(" {:.2f} RU", *record.request_units) : std::string();
    logger->info("{} {} {} {} us {} {} {}{}", record.method,
                 record.path.empty() ? "-" : record.path, record.status, record.duration.count(),
                 record.request_id.empty() ? "-" : record.request_id,
                 record.operation.empty() ? "-" : record.operation,
                 record.user_id.empty() ? "-" : record.user_id, cost);
  };
}

}  // namespace gesso::cli
