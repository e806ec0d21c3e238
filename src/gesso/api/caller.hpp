// Who calls an operation, and what an operation asks of its caller. Value types.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/domain/limit_policy.hpp"
#include "gesso/models/scope.hpp"
#include "gesso/models/user.hpp"
#include "gesso/schema/enum.hpp"

namespace gesso::api {

using models::kUserScopes;
using models::Scope;
using models::Scopes;

struct Caller {
  models::UserId user_id;
  models::SubscriptionTier tier = models::SubscriptionTier::kFree;
  Scopes scopes = {};
  std::string session_id = {};                      // of the login; "" where an API key was shown
  std::optional<models::ApiKeyId> api_key_id = {};  // where one was shown
};

// Where a request came from, as far as is known.
struct Client {
  std::string address = {};
  std::string user_agent = {};
};

// How an operation is limited; the limits of a class are settings.
using domain::LimitClass;

}  // namespace gesso::api
