// The service's routes, one function a resource. `context` must outlive the router's use.
#pragma once

#include "gesso/api/context.hpp"
#include "gesso/http/router.hpp"

namespace gesso::api {

// GET /healthz, GET /readyz
void add_health_routes(http::Router& router, const Context& context);
// GET /metrics
void add_metrics_routes(http::Router& router, const Context& context);
// POST /api/v1/auth/register, POST /api/v1/auth/login
void add_auth_routes(http::Router& router, const Context& context);
// GET /api/v1/users/me
void add_user_routes(http::Router& router, const Context& context);
// POST and GET /api/v1/generations, GET /api/v1/generations/stats, GET /api/v1/generations/{id}
void add_generation_routes(http::Router& router, const Context& context);

// All of them.
[[nodiscard]] http::Router make_router(const Context& context);

}  // namespace gesso::api
