// All of the query language: what a caller of a repository includes, with
// `using namespace gesso::query;` where it reads better.
#pragma once

#include <string>

#include "gesso/bson/json.hpp"
#include "gesso/query/filter.hpp"
#include "gesso/query/index.hpp"
#include "gesso/query/projection.hpp"
#include "gesso/query/served.hpp"
#include "gesso/query/sort.hpp"
#include "gesso/query/update.hpp"

namespace gesso::query {

// A filter, sort, update or projection as Extended JSON, relaxed: `{"email":"ada@example.com"}`.
template <class T>
requires requires(const T& value) { to_bson(value); }
[[nodiscard]] std::string to_json(const T& value) { return bson::to_json(to_bson(value)); }

}  // namespace gesso::query
