// Nor is it set.
// expect: no matching function for call to ‘set<&gesso::studio::Commission::title>(int)’
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() { (void)set<&Commission::title>(5); }
