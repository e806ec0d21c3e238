// The bodies of /readyz.
#pragma once

#include <optional>
#include <string_view>

#include "gesso/api/secret_state.hpp"
#include "gesso/http/problem.hpp"

namespace gesso::api {

// 200 {"status": "ready"}, with "secret": {"state", "version", "problem"} where there is a vault.
// A service whose pool works is ready, also while a newer secret is refused: `problem` says so.
[[nodiscard]] http::Response ready(const std::optional<SecretState>& secret);

// 503, a problem document that says why; with the same "secret".
[[nodiscard]] http::Response not_ready(std::string_view why,
                                       const std::optional<SecretState>& secret);

}  // namespace gesso::api
