// A condition on a field that stands in no index.
// expect: NoIndexServes<&gesso::studio::Commission::framed>
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() {
  const auto filter = where<&Commission::framed> == true;
  require_served(filter);
}
