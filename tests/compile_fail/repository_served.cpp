// What the indexes serve compiles, and unindexed() is the way past.
// expect: nothing
#include "gesso/repositories/user_repository.hpp"

using namespace gesso;
using namespace gesso::query;
using models::User;

void test(repositories::UserRepository& users) {
  (void)users.find_one(where<&User::email> == "ada@example.com");
  (void)users.count(where<&User::is_active> == true);
  (void)users.page(where<&User::is_active> == true, sort_by(desc<&User::created_at>));
  (void)users.find_many(unindexed(where<&User::is_verified> == false),
                        sort_by(asc<&User::full_name>));
}
