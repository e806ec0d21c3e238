// From a method and a path to a handler.
//
//   Router router;
//   router.add(Method::kGet, "/api/v1/generations/{id}", handler);
//
// Filled before the server starts; then const and safe to use from every thread.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/http/request.hpp"
#include "gesso/http/response.hpp"

namespace gesso::http {

class Router {
  static constexpr std::size_t kMethods = static_cast<std::size_t>(Method::kOther);

  struct Endpoint {
    Handler handler;
    std::vector<std::string> param_names;
  };
  // One path segment of the templates.
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> fixed;
    std::unique_ptr<Node> param;
    std::array<Endpoint, kMethods> endpoints;
    bool terminal = false;
  };
  std::unique_ptr<Node> root_ = std::make_unique<Node>();

  static const Node* match(const Node& node, std::string_view rest,
                           std::vector<std::string_view>& values);

 public:
  // `path` is segments behind slashes, each fixed text or a parameter in braces that stands for
  // one non-empty segment. Fixed text wins over a parameter: "/items/stats" over "/items/{id}".
  // Throws std::logic_error for a template that is not one or that is there already.
  void add(Method method, std::string_view path, Handler handler);

  // Calls the handler of the route, with `request.params` set. HEAD goes to GET's where it has
  // none of its own. Otherwise answers 404, 405 with `Allow`, or 400 for broken percent-encoding.
  void route(Request request, Responder respond) const;
};

}  // namespace gesso::http
