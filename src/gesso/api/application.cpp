#include "gesso/api/application.hpp"

#include "gesso/api/operations.hpp"
#include "gesso/http/problem.hpp"

namespace gesso::api {
namespace {

http::Response refusal(const http::NoSuchPath&, std::string_view request_id) {
  return http::problem(404, "There is nothing at this path", "not_found", request_id);
}
http::Response refusal(const http::MalformedPath&, std::string_view request_id) {
  return http::problem(400, "The path holds a broken percent-encoding", "bad_request", request_id);
}
http::Response refusal(const http::MethodNotAllowed& found, std::string_view request_id) {
  http::Response response =
      http::problem(405, "This path does not take this method; it takes " + found.allow,
                    "method_not_allowed", request_id);
  response.headers.emplace_back("Allow", found.allow);
  return response;
}

}  // namespace

Application::Application(const Services& services) : services_(services), chain_(services) {
  const auto& all = operations();
  for (std::size_t i = 0; i < all.size(); ++i) {
    router_.add(all[i].info().method, all[i].info().path, i);
  }
}

void Application::answer(http::Request request, http::Responder respond) const {
  if (auto preflight = services_.cors.preflight(request)) return respond(*std::move(preflight));
  const http::Routing found = router_.find(request.method, request.path);
  if (const auto* route = std::get_if<http::Route>(&found)) {
    return chain_.serve(operations()[route->target], route->params, std::move(request),
                        std::move(respond));
  }
  http::Response response = std::visit(
      [&request]<class F>(const F& refused) -> http::Response {
        if constexpr (std::same_as<F, http::Route>) {
          return {};
        } else {
          return refusal(refused, request.id);
        }
      },
      found);
  chain_.refuse(request, std::move(response), std::move(respond));
}

}  // namespace gesso::api
