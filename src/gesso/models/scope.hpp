// What an access token or an API key may be used for, beside what its user may do. Value types.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "gesso/schema/enum.hpp"

namespace gesso::models {

using schema::to_string;

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

// A set of them.
class Scopes {
  std::uint32_t bits_ = 0;

 public:
  constexpr Scopes() = default;
  constexpr Scopes(std::initializer_list<Scope> scopes) {
    for (const Scope scope : scopes) add(scope);
  }
  explicit Scopes(const std::vector<Scope>& scopes) {
    for (const Scope scope : scopes) add(scope);
  }

  constexpr void add(Scope scope) { bits_ |= 1U << static_cast<unsigned>(scope); }
  [[nodiscard]] constexpr bool has(Scope scope) const {
    return (bits_ & (1U << static_cast<unsigned>(scope))) != 0;
  }
  [[nodiscard]] constexpr bool has_all_of(Scopes others) const {
    return (bits_ & others.bits_) == others.bits_;
  }
  // What both have.
  [[nodiscard]] constexpr Scopes common_with(Scopes others) const {
    Scopes common;
    common.bits_ = bits_ & others.bits_;
    return common;
  }

  friend constexpr bool operator==(Scopes, Scopes) = default;
};

// What a user may do who has logged in: all that is a user's own.
inline constexpr Scopes kUserScopes{
    Scope::kAccountRead, Scope::kAccountWrite, Scope::kGenerationsRead, Scope::kGenerationsWrite,
    Scope::kBillingRead, Scope::kBillingWrite, Scope::kUsageRead};

}  // namespace gesso::models
