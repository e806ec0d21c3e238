// The service's routes, one function a resource. `services` must outlive the router's use.
#pragma once

#include "gesso/api/services.hpp"
#include "gesso/http/router.hpp"

namespace gesso::api {

// GET /healthz, GET /readyz
void add_health_routes(http::Router& router, const Services& services);
// GET /metrics
void add_metrics_routes(http::Router& router, const Services& services);
// POST /api/v1/auth/register, POST /api/v1/auth/login
void add_auth_routes(http::Router& router, const Services& services);
// GET /api/v1/users/me
void add_user_routes(http::Router& router, const Services& services);
// POST and GET /api/v1/generations, GET /api/v1/generations/stats, GET /api/v1/generations/{id}
void add_generation_routes(http::Router& router, const Services& services);

// All of them.
[[nodiscard]] http::Router make_router(const Services& services);

}  // namespace gesso::api
