// A repository refuses a filter that no index serves.
// expect: NoIndexServes<&gesso::models::User::full_name>
#include "gesso/repositories/user_repository.hpp"

using namespace gesso;
using namespace gesso::query;
using models::User;

void test(repositories::UserRepository& users) {
  (void)users.find_one(where<&User::full_name> == "Ada");
}
