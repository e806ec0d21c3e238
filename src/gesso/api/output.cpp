#include "gesso/api/output.hpp"

#include <algorithm>

#include "gesso/http/event_stream.hpp"

namespace gesso::api {

std::string Cookie::text() const {
  return std::string(name) + "=" + value + "; Max-Age=" + std::to_string(lifetime.count()) +
         "; Path=/; Secure; HttpOnly; SameSite=" + std::string(same_site);
}

std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    std::string_view pair = header.substr(0, header.find(';'));
    header.remove_prefix(std::min(pair.size() + 1, header.size()));
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) {
      return pair.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

namespace detail {

std::string fill_location(std::string_view location, std::string_view id) {
  static constexpr std::string_view kId = "{id}";
  const std::size_t at = location.find(kId);
  if (at == std::string_view::npos) return std::string(location);
  std::string filled(location.substr(0, at));
  return filled.append(id).append(location.substr(at + kId.size()));
}

http::Response json_response(int status, std::string body) {
  return {.status = status, .body = std::move(body)};
}

http::Response redirect_response(const Redirect& redirect) {
  http::Response response{.status = 302, .content_type = ""};
  response.headers.emplace_back("Location", redirect.location);
  if (redirect.cookie) response.headers.emplace_back("Set-Cookie", redirect.cookie->text());
  return response;
}

http::Response events_response(const EventStream& events) {
  return http::event_stream_response(events.source);
}

void forget_cookie(http::Response& response, std::string_view name) {
  response.headers.emplace_back("Set-Cookie", Cookie{.name = name, .value = {}}.text());
}

}  // namespace detail

}  // namespace gesso::api
