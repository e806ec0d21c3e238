// expect: nothing
#include "gesso/api/operation.hpp"

using namespace gesso::api;

struct DropItem {
  std::string id;
};
GESSO_FIELDS(DropItem, (id, "Which."))

Result<NoContent, NotFound> drop(DatabaseCall&, const DropItem& asked) {
  if (asked.id.empty()) return NotFound{.detail = "none"};
  return NoContent{};
}
constexpr Operation kDrop = operation<drop>({.method = gesso::http::Method::kDelete,
                                             .path = "/items/{id}",
                                             .id = "dropItem",
                                             .tag = "Items",
                                             .summary = "Drop one.",
                                             .scope = Scope::kAdmin});
static_assert(kDrop.place() == Place::kDatabase);
