// The filter and the sort are served, but no index tells documents of one moment apart.
// expect: NoIndexServes<&gesso::models::User::id>
#include "gesso/repositories/user_repository.hpp"

using namespace gesso;
using namespace gesso::query;
using models::User;

void test(repositories::UserRepository& users) {
  (void)users.page(where<&User::subscription_tier> == models::SubscriptionTier::kPro,
                   sort_by(asc<&User::is_active>));
}
