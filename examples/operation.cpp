// An operation of the HTTP API, as a value: see docs/architecture.md.
#include <iostream>

#include "gesso/api/operation.hpp"
#include "gesso/repositories/generation_repository.hpp"

namespace gesso::api {

// [operation]
struct GetPicture {
  std::string id;
};
GESSO_FIELDS(GetPicture, (id, "Which one."))

Result<models::Generation, NotFound> get_picture(DatabaseCall& call, const GetPicture& asked) {
  if (const auto id = models::GenerationId::parse(asked.id)) {
    auto found = call.make<repositories::GenerationRepository>().find_by_id(*id);
    if (found && found->user_id == call.user_id()) return *std::move(found);
  }
  return NotFound{.detail = "There is no such picture"};
}

constexpr Operation kOperations[] = {
    operation<get_picture>({.path = "/api/v1/pictures/{id}",
                            .id = "getPicture",
                            .tag = "Pictures",
                            .summary = "One picture of the caller's.",
                            .scope = Scope::kGenerationsRead}),
};
// [operation]

}  // namespace gesso::api

int main() {
  for (const gesso::api::Operation& operation : gesso::api::kOperations) {
    std::cout << gesso::http::to_string(operation.info().method) << ' ' << operation.info().path
              << ": " << operation.describe().problems.size() << " problem of its own\n";
  }
}
