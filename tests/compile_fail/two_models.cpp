// Filters of two models do not combine.
// expect: no match for ‘operator&&’
#include "tests/query/studio.hpp"

using namespace gesso;
using namespace gesso::query;
using studio::Commission;

void test() {
  (void)(where<&Commission::title> == "Sea" && where<&studio::Coat::paint> == "umber");
}
