// A parameter of the path that the input has no field for.
// expect: the_path_names_a_parameter
#include "gesso/api/operation.hpp"

using namespace gesso::api;

Result<NoContent> drop(DatabaseCall&, const NoInput&) { return NoContent{}; }
constexpr Operation kDrop = operation<drop>({.method = gesso::http::Method::kDelete,
                                             .path = "/items/{id}",
                                             .id = "dropItem",
                                             .tag = "Items",
                                             .summary = "Drop one.",
                                             .scope = Scope::kAdmin});
