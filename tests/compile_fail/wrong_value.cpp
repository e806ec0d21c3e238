// A number does not compare with a text.
// expect: no match for ‘operator==’
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() { (void)(where<&Commission::title> == 5); }
