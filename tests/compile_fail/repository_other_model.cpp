// A filter of one model is no filter of another.
// expect: no matching function for call to
#include "gesso/repositories/generation_repository.hpp"

using namespace gesso;
using namespace gesso::query;

void test(repositories::GenerationRepository& generations) {
  (void)generations.find_one(where<&models::User::email> == "ada@example.com");
}
