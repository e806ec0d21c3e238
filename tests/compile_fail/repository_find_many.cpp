// A repository refuses a sort that no index serves.
// expect: NoIndexServes<&gesso::models::User::total_generations>
#include "gesso/repositories/user_repository.hpp"

using namespace gesso;
using namespace gesso::query;
using models::User;

void test(repositories::UserRepository& users) {
  (void)users.find_many(where<&User::is_active> == true, sort_by(desc<&User::total_generations>));
}
