// What the indexes serve compiles.
// expect: nothing
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() {
  const auto mine = where<&Commission::client> == "client_1";
  const auto recent =
      mine && where<&Commission::ordered_at> >= Time{} && where<&Commission::keep_until> > Time{};
  require_served(mine);
  require_served(recent, sort_by(desc<&Commission::ordered_at>));
  require_served(mine || where<&Commission::price> < 5);
  require_served(where<&Commission::id> == "com_1" && where<&Commission::framed> == true);
  require_served(all<Commission>(), sort_by(asc<&Commission::price>));
}
