// A TTL index serves no query: on Cosmos DB it is another one.
// expect: NoIndexServes<&gesso::studio::Commission::keep_until>
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() {
  const auto filter = where<&Commission::keep_until> > Time{};
  require_served(filter);
}
