// From a method and a path to what serves them.
//
//   Router router;
//   router.add(Method::kGet, "/api/v1/generations/{id}", 7);
//   const Routing found = router.find(Method::kGet, "/api/v1/generations/gen_01J");
//
// What a route leads to is a number that means something to whoever added it. Filled before the
// server starts; then const and safe to use from every thread.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gesso/http/request.hpp"

namespace gesso::http {

struct Route {
  std::size_t target = 0;
  PathParameters params;  // decoded
};
struct NoSuchPath {};
struct MethodNotAllowed {
  std::string allow;  // "GET, HEAD, POST": the value of the response's `Allow`
};
struct MalformedPath {};  // its percent-encoding is broken
using Routing = std::variant<Route, NoSuchPath, MethodNotAllowed, MalformedPath>;

class Router {
  static constexpr std::size_t kMethods = static_cast<std::size_t>(Method::kOther);

  struct Endpoint {
    std::size_t target;
    std::vector<std::string> param_names;
  };
  // One path segment of the templates.
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> fixed;
    std::unique_ptr<Node> param;
    std::array<std::optional<Endpoint>, kMethods> endpoints;
    bool terminal = false;

    // HEAD is served by GET's where it has none of its own.
    [[nodiscard]] const Endpoint* endpoint(Method method) const;
    [[nodiscard]] std::string allow() const;
  };
  std::unique_ptr<Node> root_ = std::make_unique<Node>();

  static const Node* match(const Node& node, std::string_view rest,
                           std::vector<std::string_view>& values);

 public:
  // `path` is segments behind slashes, each fixed text or a parameter in braces that stands for
  // one non-empty segment. Fixed text wins over a parameter: "/items/stats" over "/items/{id}".
  // Throws std::logic_error for a template that is not one or that is there already.
  void add(Method method, std::string_view path, std::size_t target);

  // `path` is as it was sent. The names in the result live as long as the router.
  [[nodiscard]] Routing find(Method method, std::string_view path) const;
  // The methods that `path` takes, as `Allow` lists them; std::nullopt for no such path.
  [[nodiscard]] std::optional<std::string> methods_of(std::string_view path) const;
};

}  // namespace gesso::http
