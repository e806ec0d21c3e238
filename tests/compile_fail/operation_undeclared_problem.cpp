// A problem that the function's type does not name.
// expect: could not convert
#include "gesso/api/result.hpp"

using namespace gesso::api;

Result<int, NotFound> find() { return Conflict{.detail = "no"}; }
