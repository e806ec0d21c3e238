// `gesso openapi`: what the API is, without a service that runs.
#include <array>

#include "gesso/api/openapi.hpp"
#include "gesso/api/operations.hpp"
#include "gesso/api/operations_markdown.hpp"
#include "gesso/cli/command.hpp"
#include "gesso/cli/version.hpp"

namespace gesso::cli {
namespace {

ExitCode openapi(const Invocation& invocation) {
  if (invocation.has("--markdown")) {
    invocation.out << api::operations_markdown(api::operations());
  } else {
    invocation.out << api::openapi_document(api::operations(), version()) << "\n";
  }
  return ExitCode::kOk;
}

}  // namespace

Command openapi_command() {
  static constexpr auto kOptions = std::to_array<Option>(
      {{.flag = "--markdown", .about = "The table docs/api.md", .value = ""}});
  return {.name = "openapi",
          .about = "Print the API's OpenAPI document",
          .more = R"(Examples:
  gesso openapi > openapi.json
  gesso openapi --markdown > docs/api.md)",
          .settings = {},
          .options = kOptions,
          .run = openapi};
}

}  // namespace gesso::cli
