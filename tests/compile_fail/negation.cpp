// A negation binds nothing, though its field is the first of an index.
// expect: NoIndexServes<&gesso::studio::Commission::client>
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() {
  const auto filter = where<&Commission::client> != "client_1";
  require_served(filter);
}
