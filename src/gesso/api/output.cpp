#include "gesso/api/output.hpp"

#include "gesso/http/problem.hpp"

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

http::Response problem_response(int status, std::string_view code, std::string_view title,
                                std::string_view detail,
                                std::optional<std::chrono::seconds> retry_after,
                                std::string_view members) {
  http::Response response = http::problem(status, detail.empty() ? title : detail, code);
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (retry_after) {
    response.headers.emplace_back("Retry-After", std::to_string(retry_after->count()));
  }
  if (members.size() > 2) {  // {"a":1}: into the object that the body is
    response.body.pop_back();
    response.body.append(",").append(members.substr(1));
  }
  return response;
}

}  // namespace gesso::api::detail
