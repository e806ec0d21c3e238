// All operations of the API, by resource. What is not in here does not exist.
//
// To add one: its function and a line in its resource's file, and its test.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "gesso/api/operation.hpp"

namespace gesso::api {

// What a service answers however busy it is; each is an operation without a limit.
inline constexpr std::array<std::string_view, 3> kAlwaysAnswered{"/healthz", "/readyz", "/metrics"};

// /healthz, /readyz, /metrics
[[nodiscard]] Operations operational_operations();
// /docs, /openapi.json
[[nodiscard]] Operations documentation_operations();
// /console
[[nodiscard]] Operations console_operations();
// /api/v1/auth
[[nodiscard]] Operations account_operations();
// /api/v1/auth/session
[[nodiscard]] Operations browser_session_operations();
// /api/v1/auth/oauth
[[nodiscard]] Operations oauth_operations();
// /api/v1/users/me/identities
[[nodiscard]] Operations identity_operations();
// /api/v1/users/me
[[nodiscard]] Operations user_operations();
// /api/v1/users/me/sessions
[[nodiscard]] Operations session_operations();
// /api/v1/users/me/api-keys
[[nodiscard]] Operations api_key_operations();
// /api/v1/generations
[[nodiscard]] Operations generation_operations();
// /images
[[nodiscard]] Operations image_operations();
// /api/v1/worker
[[nodiscard]] Operations worker_operations();
// /api/v1/usage, /api/v1/admin/usage
[[nodiscard]] Operations usage_operations();
// /api/v1/admin/users
[[nodiscard]] Operations admin_user_operations();
// /api/v1/admin/database
[[nodiscard]] Operations admin_database_operations();
// /api/v1/admin/generations
[[nodiscard]] Operations admin_generation_operations();
// /api/v1/admin/metrics
[[nodiscard]] Operations admin_metric_operations();
// /api/v1/plans, /api/v1/subscriptions
[[nodiscard]] Operations subscription_operations();
// /webhooks
[[nodiscard]] Operations webhook_operations();

// Makes of the generation what clients see of it: with links in place of the addresses of its
// images. Thread-safe.
void put_links(const Services& services, models::Generation& generation);

// All of them, in the order of the document.
[[nodiscard]] const std::vector<Operation>& operations();

}  // namespace gesso::api
