// One way of proving who we are: a member of the chain in credentials.hpp.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gesso/azure/token.hpp"

namespace gesso::azure {

// The value of an environment variable; std::nullopt (or an empty text) where it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// Nothing of this kind is set up on this machine: not a failure where there are others to ask.
struct NotHere {
  std::string reason;  // "AZURE_TENANT_ID is not set"
};

// Implementations are thread-safe and block.
class Credential {
 public:
  enum class Asked {
    kAlone,    // named, or the one that gave tokens before: worth waiting for
    kInChain,  // one of several: find out quickly whether anybody is there
  };

  Credential() = default;
  Credential(const Credential&) = delete;
  Credential& operator=(const Credential&) = delete;
  virtual ~Credential() = default;

  // Throws Error as TokenProvider::token: it is set up here, and failed.
  [[nodiscard]] virtual std::variant<AccessToken, NotHere> get(const TokenRequest& request,
                                                               Asked asked,
                                                               const client::Call& call) = 0;
  [[nodiscard]] virtual std::string name() const = 0;
};

}  // namespace gesso::azure
