// The caller as a user.
#include "gesso/api/operations.hpp"
#include "gesso/repositories/user_repository.hpp"

namespace gesso::api {
namespace {

Result<models::User, NotFound> get_me(DatabaseCall& call, const NoInput&) {
  auto user = call.make<repositories::UserRepository>().find_by_id(call.user_id());
  if (!user) return NotFound{.detail = "The user was deleted"};
  return *std::move(user);
}

constexpr Operation kOperations[] = {
    operation<get_me>({.path = "/api/v1/users/me",
                       .id = "getMe",
                       .tag = "Users",
                       .summary = "The caller's profile and credits.",
                       .scope = Scope::kAccountRead}),
};

}  // namespace

Operations user_operations() { return kOperations; }

}  // namespace gesso::api
