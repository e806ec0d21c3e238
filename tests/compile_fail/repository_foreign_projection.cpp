// A projection names fields of the model.
// expect: every member of a projection must be a field of the model
#include "gesso/repositories/user_repository.hpp"

using namespace gesso;
using namespace gesso::query;
using models::User;

struct Card {
  models::UserId id;
  std::string shoe_size;
};
BOOST_DESCRIBE_STRUCT(Card, (), (id, shoe_size))

void test(repositories::UserRepository& users) {
  (void)users.find_many(where<&User::is_active> == true, unsorted, {}, project<Card>());
}
