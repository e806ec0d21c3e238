// unindexed() is the way past.
// expect: nothing
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() {
  const auto filter = unindexed(where<&Commission::framed> == true);
  require_served(filter);
  require_served(filter, sort_by(asc<&Commission::due>));
}
