// The filter is served, the sort is not.
// expect: NoIndexServes<&gesso::studio::Commission::price>
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() {
  const auto filter = where<&Commission::client> == "client_1";
  require_served(filter, sort_by(asc<&Commission::price>));
}
