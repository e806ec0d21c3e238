// `gesso schema`: what the models declare.
#include <array>

#include "gesso/cli/command.hpp"
#include "gesso/models/json_schemas.hpp"
#include "gesso/models/schema_markdown.hpp"
#include "gesso/schema/json_text.hpp"

namespace gesso::cli {
namespace {

ExitCode schema(const Invocation& invocation) {
  if (invocation.has("--markdown")) {
    invocation.out << models::schema_markdown();
  } else {
    invocation.out << gesso::schema::json_text(models::json_schemas()) << "\n";
  }
  return ExitCode::kOk;
}

}  // namespace

Command schema_command() {
  static constexpr auto kOptions = std::to_array<Option>(
      {{.flag = "--markdown", .about = "The document docs/DATABASE_SCHEMA.md", .value = ""}});
  return {.name = "schema",
          .about = "Print the models as JSON Schema",
          .more = R"(Examples:
  gesso schema | python3 -m json.tool
  gesso schema --markdown > docs/DATABASE_SCHEMA.md)",
          .settings = {},
          .options = kOptions,
          .run = schema};
}

}  // namespace gesso::cli
