// An index serves a sort as declared or all reversed, not one half each.
// expect: NoIndexServes<&gesso::studio::Commission::id>
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() {
  const auto filter = where<&Commission::client> == "client_1";
  require_served(filter, sort_by(asc<&Commission::ordered_at>, desc<&Commission::id>));
}
