#include "gesso/api/operations_markdown.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace gesso::api {
namespace {

constexpr std::string_view kHead = R"(# API

Every operation of the service, as `gesso openapi --markdown` prints it. Their parameters, bodies,
answers and problems are in `/openapi.json`, which `gesso openapi` prints and `/docs` shows. A scope
is what the caller's token or key must be good for; the limits of a class are settings.
)";

std::string row(const OperationInfo& info) {
  std::string text = "| `";
  text.append(http::to_string(info.method)).append(" ").append(info.path).append("` | ");
  text.append(info.summary).append(" | ");
  if (info.scope) text.append("`").append(schema::to_string(*info.scope)).append("`");
  text.append(info.scope ? " | " : "| ");
  if (info.limit != LimitClass::kNone) text.append(schema::to_string(info.limit)).append(" ");
  return text.append("|\n");
}

}  // namespace

std::string operations_markdown(std::span<const Operation> operations) {
  std::vector<std::string_view> tags;
  for (const Operation& operation : operations) {
    const std::string_view tag = operation.info().tag;
    if (std::ranges::find(tags, tag) == tags.end()) tags.push_back(tag);
  }
  std::string text(kHead);
  for (const std::string_view tag : tags) {
    text.append("\n## ").append(tag).append("\n\n| operation | what it does | scope | limit |\n");
    text.append("| --- | --- | --- | --- |\n");
    for (const Operation& operation : operations) {
      if (operation.info().tag == tag) text += row(operation.info());
    }
  }
  return text;
}

}  // namespace gesso::api
