#include "gesso/http/router.hpp"

#include <algorithm>
#include <stdexcept>

#include "gesso/base/text.hpp"

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

const Router::Endpoint* Router::Node::endpoint(Method method) const {
  if (method == Method::kOther) return nullptr;
  const auto& own = endpoints[static_cast<std::size_t>(method)];
  if (own) return &*own;
  return method == Method::kHead ? endpoint(Method::kGet) : nullptr;
}

std::string Router::Node::allow() const {
  std::string text;
  for (std::size_t i = 0; i < kMethods; ++i) {
    const auto method = static_cast<Method>(i);
    if (endpoint(method) == nullptr) continue;
    if (!text.empty()) text += ", ";
    text += to_string(method);
  }
  return text;
}

void Router::add(Method method, std::string_view path, std::size_t target) {
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
  auto& endpoint = node->endpoints[static_cast<std::size_t>(method)];
  if (endpoint) refuse("is there already");
  endpoint = {.target = target, .param_names = std::move(names)};
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

Routing Router::find(Method method, std::string_view path) const {
  std::vector<std::string_view> values;
  const Node* node = path.starts_with('/') ? match(*root_, path, values) : nullptr;
  if (node == nullptr) return NoSuchPath{};
  const Endpoint* endpoint = node->endpoint(method);
  if (endpoint == nullptr) return MethodNotAllowed{.allow = node->allow()};

  Route route{.target = endpoint->target, .params = {}};
  route.params.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto decoded = percent_decode(values[i]);
    if (!decoded) return MalformedPath{};
    route.params.emplace_back(endpoint->param_names[i], std::move(*decoded));
  }
  return route;
}

std::optional<std::string> Router::methods_of(std::string_view path) const {
  std::vector<std::string_view> values;
  const Node* node = path.starts_with('/') ? match(*root_, path, values) : nullptr;
  if (node == nullptr) return std::nullopt;
  return node->allow();
}

}  // namespace gesso::http
