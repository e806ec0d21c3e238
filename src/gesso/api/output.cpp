#include "gesso/api/output.hpp"

#include "gesso/http/event_stream.hpp"

namespace gesso::api::detail {

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
  for (const std::string& cookie : redirect.cookies) {
    response.headers.emplace_back("Set-Cookie", cookie);
  }
  return response;
}

http::Response events_response(const EventStream& events) {
  return http::event_stream_response(events.source);
}

}  // namespace gesso::api::detail
