// The schema document: what `gesso schema --markdown` prints and docs/DATABASE_SCHEMA.md holds.
#pragma once

#include <string>

namespace gesso::models {

// The collections with their fields and indexes, then the requests, in Markdown. From the
// models' own declarations, so it says what the program does.
[[nodiscard]] std::string schema_markdown();

}  // namespace gesso::models
