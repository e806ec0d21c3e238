// The `responses` of one operation in the OpenAPI document: what its function's type names, and
// what the chain (chain.hpp) may answer in its place.
#pragma once

#include <boost/json.hpp>

#include "gesso/api/openapi_components.hpp"
#include "gesso/api/operation.hpp"

namespace gesso::api::detail {

[[nodiscard]] boost::json::object responses_of(const OperationInfo& info, Place place,
                                               const OperationSchema& schema,
                                               Components& components);

// What those refer to beside the schemas: the document's `components/headers`.
[[nodiscard]] boost::json::object shared_headers();

// Schemas that no struct has: of problems and of the 422.
void add_error_schemas(boost::json::object& schemas);

}  // namespace gesso::api::detail
