// Who calls an operation, and what an operation asks of its caller. Value types.
#pragma once

#include <array>
#include <string>
#include <string_view>

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
  std::string session_id = {};  // of the login; "" where an API key was shown
};

// Where a request came from, as far as is known.
struct Client {
  std::string address = {};
  std::string user_agent = {};
};

// How an operation is limited; the limits of a class are settings.
enum class LimitClass { kNone, kRead, kWrite, kGenerate, kLogin };
constexpr auto wire_texts(LimitClass) {
  return std::to_array<std::string_view>({"none", "read", "write", "generate", "login"});
}

}  // namespace gesso::api
