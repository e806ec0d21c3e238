// What stands between a connection and the handler of its request. For the server's inside alone.
#pragma once

#include <memory>
#include <string_view>

#include "gesso/http/detail/connection.hpp"
#include "gesso/http/response.hpp"

namespace gesso::http::detail {

// The way back for one request, from any thread. It may outlive the server, so it holds no part of
// it.
[[nodiscard]] Responder responder_to(std::weak_ptr<Loop> loop,
                                     std::weak_ptr<ClientConnection> connection);

// Whether a client's X-Request-ID may stand in logs and responses as it is.
[[nodiscard]] bool is_fit_request_id(std::string_view text);

}  // namespace gesso::http::detail
