// Every field that no index serves is named.
// expect: NoIndexServes<&gesso::studio::Commission::framed, &gesso::studio::Commission::due>
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() {
  const auto filter = where<&Commission::client> == "client_1" &&
                      where<&Commission::framed> == true && where<&Commission::due> < Time{};
  require_served(filter);
}
