// Who calls an operation, and what an operation asks of its caller. Value types.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "gesso/models/user.hpp"
#include "gesso/schema/enum.hpp"

namespace gesso::api {

// What a key or a token may be used for, beside what its user may do.
enum class Scope {
  kAccountRead,
  kAccountWrite,
  kGenerationsRead,
  kGenerationsWrite,
  kBillingRead,
  kBillingWrite,
  kUsageRead,
  kWorker,
  kAdmin,
};
constexpr auto wire_texts(Scope) {
  return std::to_array<std::string_view>({"account:read", "account:write", "generations:read",
                                          "generations:write", "billing:read", "billing:write",
                                          "usage:read", "worker", "admin"});
}

class Scopes {
  std::uint32_t bits_ = 0;

 public:
  constexpr Scopes() = default;
  constexpr Scopes(std::initializer_list<Scope> scopes) {
    for (const Scope scope : scopes) add(scope);
  }
  constexpr void add(Scope scope) { bits_ |= 1U << static_cast<unsigned>(scope); }
  [[nodiscard]] constexpr bool has(Scope scope) const {
    return (bits_ & (1U << static_cast<unsigned>(scope))) != 0;
  }
};

// What a user may do who has logged in: all that is a user's own.
inline constexpr Scopes kUserScopes{
    Scope::kAccountRead, Scope::kAccountWrite, Scope::kGenerationsRead, Scope::kGenerationsWrite,
    Scope::kBillingRead, Scope::kBillingWrite, Scope::kUsageRead};

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
