#include "gesso/azure/token_reply.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "gesso/azure/json_values.hpp"
#include "gesso/client/wiped_json.hpp"

namespace gesso::azure {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMaxRefusal = 400;  // characters of an endpoint's own words
constexpr std::size_t kMaxWord = 60;      // of a run that may be a token

[[noreturn]] void fail(std::string_view expected, std::string_view found) {
  throw Error(ErrorKind::kInternal, "the token's reply cannot be read: expected " +
                                        std::string(expected) + ", found " + std::string(found));
}

std::string describe(const json::value* value) {
  if (value == nullptr) return "nothing";
  switch (value->kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::string:
      return "a string of " + std::to_string(value->get_string().size()) + " characters";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
    default:
      return "a number out of range";
  }
}

// The object that a document is; nullptr where it is none.
const json::object* as_object(const client::WipedJson& document) {
  return document.root() != nullptr ? document.root()->if_object() : nullptr;
}

const json::object& expect_object(const client::WipedJson& document, std::string_view body) {
  const json::object* object = as_object(document);
  if (object == nullptr) {
    fail("a JSON object", body.empty() ? "nothing" : std::to_string(body.size()) + " other bytes");
  }
  return *object;
}

// "1/31/2026 1:02:03 PM +00:00" and "01/31/2026 13:02:03 +00:00": App Service before 2019.
std::optional<Time> read_us_date(std::string_view text) {
  int month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0, used = 0;
  const std::string owned(text);
  if (std::sscanf(owned.c_str(), "%2d/%2d/%4d %2d:%2d:%2d %n", &month, &day, &year, &hour, &minute,
                  &second, &used) != 6 ||
      used <= 0) {
    return std::nullopt;
  }
  std::string_view rest = std::string_view(owned).substr(static_cast<std::size_t>(used));
  if (rest.starts_with("AM ") || rest.starts_with("PM ")) {
    if (hour < 1 || hour > 12) return std::nullopt;
    hour = hour % 12 + (rest.starts_with("PM ") ? 12 : 0);
    rest.remove_prefix(3);
  }
  std::array<char, 32> iso{};
  std::snprintf(iso.data(), iso.size(), "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, hour,
                minute, second);
  return parse_iso8601(std::string(iso.data()) + std::string(rest));
}

std::optional<Time> read_moment(const json::value& value) {
  if (const auto number = read_seconds(value)) return Time{seconds{*number}};
  if (!value.is_string()) return std::nullopt;
  const std::string_view text = value.get_string();
  if (const auto time = parse_iso8601(text)) return time;
  return read_us_date(text);
}

// "2026-01-31 13:00:00.000000", in the time zone of this machine.
std::optional<Time> read_local_date(const json::value& value) {
  if (!value.is_string()) return std::nullopt;
  const std::string_view text = value.get_string();
  if (!parse_iso8601(std::string(text) + "Z")) return std::nullopt;
  const std::string owned(text);
  std::tm parts{};
  if (::strptime(owned.c_str(), "%Y-%m-%d %H:%M:%S", &parts) == nullptr) return std::nullopt;
  parts.tm_isdst = -1;
  const std::time_t moment = std::mktime(&parts);
  if (moment < 0) return std::nullopt;
  return Time{seconds{moment}};
}

Secret read_access_token(const json::object& reply, std::string_view name) {
  const json::value* value = reply.if_contains(name);
  const auto token = string_member(reply, name);
  // It becomes a header's value.
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7F'; };
  if (!token || token->empty() || !std::all_of(token->begin(), token->end(), is_plain)) {
    fail(std::string(name) + " to be a string without blanks", describe(value));
  }
  return Secret(*token);
}

AccessToken make_token(Secret value, Time expires_on, std::optional<std::int64_t> refresh_in,
                       Time now) {
  if (expires_on <= now) {
    throw Error(ErrorKind::kUnavailable,
                "the token that came has expired at " + to_iso8601(expires_on) + ", and it is " +
                    to_iso8601(now) + ": is the clock of this machine right?",
                {.retryable = true});
  }
  Time refresh_on = now + (expires_on - now) / 2;
  if (refresh_in && now + seconds{*refresh_in} < expires_on)
    refresh_on = now + seconds{*refresh_in};
  return {std::move(value), expires_on, refresh_on};
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~' || c == '+' || c == '=';
}

std::string clean(std::string_view text, std::span<const std::string_view> secrets) {
  std::string result(text);
  for (const std::string_view secret : secrets) {
    if (secret.empty()) continue;
    for (std::size_t at = 0; (at = result.find(secret, at)) != std::string::npos;) {
      result.replace(at, secret.size(), "[cut out]");
    }
  }
  for (std::size_t at = 0; at < result.size();) {
    if (!is_word(result[at])) {
      const auto byte = static_cast<unsigned char>(result[at]);
      if (byte < ' ' || byte == 0x7F) result[at] = ' ';
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < result.size() && is_word(result[end])) ++end;
    if (end - at > kMaxWord) {
      result.replace(at, end - at, "[cut out]");
      end = at + 9;
    }
    at = end;
  }
  if (result.size() > kMaxRefusal) {
    result.resize(kMaxRefusal);
    result += "...";
  }
  return result;
}

}  // namespace

AccessToken read_token_reply(std::string_view body, Time now) {
  const client::WipedJson document(body);
  const json::object& reply = expect_object(document, body);
  Secret token = read_access_token(reply, "access_token");
  std::optional<Time> expires_on;
  if (const json::value* value = reply.if_contains("expires_on")) expires_on = read_moment(*value);
  if (!expires_on) {
    const json::value* value = reply.if_contains("expires_in");
    const auto left = value != nullptr ? read_seconds(*value) : std::nullopt;
    if (!left) {
      const json::value* on = reply.if_contains("expires_on");
      fail("expires_on or expires_in in seconds", describe(on != nullptr ? on : value));
    }
    expires_on = now + seconds{*left};
  }
  const json::value* refresh = reply.if_contains("refresh_in");
  return make_token(std::move(token), *expires_on,
                    refresh != nullptr ? read_seconds(*refresh) : std::nullopt, now);
}

AccessToken read_az_output(std::string_view output, Time now) {
  const client::WipedJson document(output);
  const json::object& reply = expect_object(document, output);
  Secret token = read_access_token(reply, "accessToken");
  std::optional<Time> expires_on;
  if (const json::value* value = reply.if_contains("expires_on")) {
    if (const auto number = read_seconds(*value)) expires_on = Time{seconds{*number}};
  }
  if (!expires_on) {
    const json::value* value = reply.if_contains("expiresOn");
    if (value != nullptr) expires_on = read_local_date(*value);
    if (!expires_on) fail("expires_on in seconds or expiresOn as a local date", describe(value));
  }
  return make_token(std::move(token), *expires_on, std::nullopt, now);
}

bool reply_names(std::string_view body, std::string_view member, std::string_view id) {
  const client::WipedJson document(body);
  const json::object* object = as_object(document);
  const auto value = object != nullptr ? string_member(*object, member) : std::nullopt;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return value && std::ranges::equal(*value, id, {}, lower, lower);
}

std::string read_refusal(std::string_view body, std::span<const std::string_view> secrets) {
  const client::WipedJson document(body);
  const json::object* object = as_object(document);
  if (object == nullptr) return "";
  if (const json::value* inner = object->if_contains("error"); inner && inner->is_object()) {
    object = &inner->get_object();
  }
  std::string text;
  for (const std::string_view name : {"error", "code", "error_description", "message", "Message"}) {
    const auto part = string_member(*object, name);
    if (!part || part->empty()) continue;
    if (!text.empty()) text += ": ";
    text += part->substr(0, part->find_first_of("\r\n"));
  }
  return clean(text, secrets);
}

std::string first_line(std::string_view text, std::span<const std::string_view> secrets) {
  const std::size_t start = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  text.remove_prefix(start);
  return clean(text.substr(0, text.find_first_of("\r\n")), secrets);
}

Error refusal(std::string_view what, const client::HttpResponse& response,
              std::span<const std::string_view> secrets) {
  const int status = response.status;
  std::string message = std::string(what) + ": " + std::to_string(status);
  const std::string words = read_refusal(response.body.reveal(), secrets);
  if (!words.empty()) message += " " + words;
  if (status >= 300 && status < 400) message += " (a redirect, which is not followed)";
  ErrorKind kind = ErrorKind::kAuth;
  if (status == 429) kind = ErrorKind::kThrottled;
  if (status == 404 || status == 408 || status == 410 || status >= 500) {
    kind = ErrorKind::kUnavailable;
  }
  if (status >= 200 && status < 300) kind = ErrorKind::kInternal;
  return {kind, message, {.retryable = kind != ErrorKind::kAuth && kind != ErrorKind::kInternal}};
}

AccessToken read_token_response(std::string_view what, const client::HttpResponse& response,
                                Time now, std::span<const std::string_view> secrets) {
  if (response.status != 200) throw refusal(what, response, secrets);
  try {
    return read_token_reply(response.body.reveal(), now);
  } catch (const Error& error) {
    throw Error(error.kind(), std::string(what) + ": " + error.what(),
                {.retryable = error.retryable()});
  }
}

}  // namespace gesso::azure
