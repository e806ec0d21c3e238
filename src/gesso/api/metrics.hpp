// The answer to GET /metrics.
#pragma once

#include <optional>

#include "gesso/api/secret_state.hpp"
#include "gesso/http/response.hpp"
#include "gesso/mongo/service.hpp"

namespace gesso::api {

// What Prometheus collects: the numbers of the connection pool where `database` is not null, and
// those of the rotation where `secret` is set. Does not block.
[[nodiscard]] http::Response metrics(const mongo::Service* database,
                                     const std::optional<SecretState>& secret);

}  // namespace gesso::api
