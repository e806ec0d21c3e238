// The id of another collection does not compare.
// expect: no match for ‘operator==’
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() {
  const studio::CommissionId id("com_1");
  (void)(where<&Commission::client> == id);
}
