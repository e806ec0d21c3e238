// A repository refuses to count what no index serves.
// expect: NoIndexServes<&gesso::models::User::is_verified>
#include "gesso/repositories/user_repository.hpp"

using namespace gesso;
using namespace gesso::query;
using models::User;

void test(repositories::UserRepository& users) {
  (void)users.count(where<&User::is_verified> == false);
}
