#include "gesso/http/router.hpp"

#include <algorithm>
#include <stdexcept>

#include "gesso/base/text.hpp"
#include "gesso/http/problem.hpp"

namespace gesso::http {
namespace {

// Takes the next segment off a path that starts with a slash.
std::string_view next_segment(std::string_view& rest) {
  rest.remove_prefix(1);
  const std::string_view segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(segment.size());
  return segment;
}

}  // namespace

void Router::add(Method method, std::string_view path, Handler handler) {
  const auto refuse = [&](std::string_view why) {
    throw std::logic_error("route " + std::string(path) + ": " + std::string(why));
  };
  if (method == Method::kOther) refuse("has no method");
  if (!path.starts_with('/')) refuse("does not start with a slash");
  Node* node = root_.get();
  std::vector<std::string> names;
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view segment = next_segment(rest);
    std::unique_ptr<Node>* next = nullptr;
    if (segment.starts_with('{') && segment.ends_with('}')) {
      names.emplace_back(segment.substr(1, segment.size() - 2));
      next = &node->param;
    } else {
      next = &node->fixed[std::string(segment)];
    }
    if (!*next) *next = std::make_unique<Node>();
    node = next->get();
  }
  Endpoint& endpoint = node->endpoints[static_cast<std::size_t>(method)];
  if (endpoint.handler) refuse("is there already");
  endpoint = {.handler = std::move(handler), .param_names = std::move(names)};
  node->terminal = true;
}

const Router::Node* Router::match(const Node& node, std::string_view rest,
                                  std::vector<std::string_view>& values) {
  if (rest.empty()) return node.terminal ? &node : nullptr;
  const std::string_view segment = next_segment(rest);
  if (const auto fixed = node.fixed.find(segment); fixed != node.fixed.end()) {
    if (const Node* found = match(*fixed->second, rest, values)) return found;
  }
  if (node.param && !segment.empty()) {
    values.push_back(segment);
    if (const Node* found = match(*node.param, rest, values)) return found;
    values.pop_back();
  }
  return nullptr;
}

void Router::route(Request request, Responder respond) const {
  std::vector<std::string_view> values;
  const Node* node = request.path.starts_with('/') ? match(*root_, request.path, values) : nullptr;
  if (node == nullptr) {
    respond(problem(404, "There is nothing at this path"));
    return;
  }

  const auto endpoint_of = [node](Method method) -> const Endpoint* {
    if (method == Method::kOther) return nullptr;
    const Endpoint& endpoint = node->endpoints[static_cast<std::size_t>(method)];
    return endpoint.handler ? &endpoint : nullptr;
  };
  const Endpoint* endpoint = endpoint_of(request.method);
  if (endpoint == nullptr && request.method == Method::kHead) endpoint = endpoint_of(Method::kGet);
  if (endpoint == nullptr) {
    std::string allow;
    for (std::size_t i = 0; i < kMethods; ++i) {
      const auto method = static_cast<Method>(i);
      const bool allowed = endpoint_of(method) != nullptr ||
                           (method == Method::kHead && endpoint_of(Method::kGet) != nullptr);
      if (!allowed) continue;
      if (!allow.empty()) allow += ", ";
      allow += to_string(method);
    }
    Response response = problem(405, "This path does not take this method; it takes " + allow);
    response.headers.emplace_back("Allow", allow);
    respond(std::move(response));
    return;
  }

  request.params.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto decoded = percent_decode(values[i]);
    if (!decoded) {
      respond(problem(400, "The path holds a broken percent-encoding"));
      return;
    }
    request.params.emplace_back(endpoint->param_names[i], std::move(*decoded));
  }
  endpoint->handler(std::move(request), std::move(respond));
}

}  // namespace gesso::http
