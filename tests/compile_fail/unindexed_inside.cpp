// unindexed() stands around the whole filter, so that nothing hides in a part.
// expect: no match for ‘operator&&’
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() {
  (void)(unindexed(where<&Commission::framed> == true) && where<&Commission::title> == "Sea");
}
