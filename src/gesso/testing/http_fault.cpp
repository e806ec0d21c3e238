// What of an HTTP server's requests and faults needs no server.
#include <ctime>

#include "gesso/testing/detail/http_stream.hpp"
#include "gesso/testing/https_server.hpp"

namespace gesso::testing {
namespace {

std::optional<std::string> first_of(const HttpHeaders& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string http_date(Time time) {
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

Fault Fault::none() { return {.kind = Kind::kNone}; }

Fault Fault::with_status(int status, RetryAfter retry_after) {
  Fault fault{.kind = Kind::kStatus, .status = status};
  if (const auto* seconds = std::get_if<std::chrono::seconds>(&retry_after)) {
    fault.headers.emplace_back("Retry-After", std::to_string(seconds->count()));
  } else if (const auto* date = std::get_if<Time>(&retry_after)) {
    fault.headers.emplace_back("Retry-After", http_date(*date));
  }
  return fault;
}
Fault Fault::redirect(std::string location, int status) {
  return {.kind = Kind::kStatus,
          .status = status,
          .headers = {{"Location", std::move(location)}},
          .body = ""};
}
Fault Fault::with_body(std::string body) {
  return {.kind = Kind::kStatus, .status = 200, .body = std::move(body)};
}
Fault Fault::delay(std::chrono::milliseconds duration) {
  return {.kind = Kind::kDelay, .duration = duration};
}
Fault Fault::hang() { return {.kind = Kind::kHang}; }
Fault Fault::cut(std::size_t after_bytes) { return {.kind = Kind::kCut, .bytes = after_bytes}; }
Fault Fault::reset() { return {.kind = Kind::kReset}; }
Fault Fault::garbage() { return {.kind = Kind::kGarbage}; }
Fault Fault::oversized(std::size_t bytes) { return {.kind = Kind::kOversized, .bytes = bytes}; }
Fault Fault::wrong_length(std::size_t missing) {
  return {.kind = Kind::kWrongLength, .bytes = missing};
}
Fault Fault::drip(std::chrono::milliseconds interval) {
  return {.kind = Kind::kDrip, .duration = interval};
}

std::optional<std::string> HttpsServer::Request::header(std::string_view name) const {
  return first_of(headers, name);
}
std::optional<std::string> HttpsServer::Request::parameter(std::string_view name) const {
  return first_of(query, name);
}
std::optional<std::string> HttpsServer::Request::form(std::string_view name) const {
  return first_of(detail::parse_form(body), name);
}

}  // namespace gesso::testing
