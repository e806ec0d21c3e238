// A projection has no save.
// expect: cannot convert ‘const Card’
#include "gesso/repositories/user_repository.hpp"

using namespace gesso;
using namespace gesso::query;
using models::User;

struct Card {
  models::UserId id;
  schema::Email email;
};
BOOST_DESCRIBE_STRUCT(Card, (), (id, email))

void test(repositories::UserRepository& users, const Card& card) { users.create(card); }
