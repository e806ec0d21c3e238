// One field has an index, the other has none: the message names the other.
// expect: NoIndexServes<&gesso::studio::Commission::framed>
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() {
  const auto filter =
      where<&Commission::client> == "client_1" && where<&Commission::framed> == true;
  require_served(filter);
}
