// A field that must be there cannot be taken away.
// expect: unset is for optional fields
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() { (void)unset<&Commission::title>(); }
