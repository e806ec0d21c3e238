// The answer to GET /metrics.
#pragma once

#include <optional>

#include "gesso/api/secret_state.hpp"
#include "gesso/http/response.hpp"
#include "gesso/mongo/service.hpp"

namespace gesso::api {

// Of the pool where there is a database, of the rotation where there is a vault. Does not block.
[[nodiscard]] http::Response metrics(const mongo::Service* database,
                                     const std::optional<SecretState>& secret);

}  // namespace gesso::api
