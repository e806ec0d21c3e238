// A named secret with versions, and who keeps it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/client/call.hpp"

namespace gesso::azure {

struct SecretVersion {
  std::string version;
  bool enabled = true;
  Time created = {};
  Time updated = {};
  std::optional<Time> not_before = {};
  std::optional<Time> expires = {};
};

struct SecretValue {
  Secret value;
  SecretVersion about;

  [[nodiscard]] SecretValue clone() const { return {value.clone(), about}; }
};

// Implementations are thread-safe and block.
class SecretProvider {
 public:
  SecretProvider() = default;
  SecretProvider(const SecretProvider&) = delete;
  SecretProvider& operator=(const SecretProvider&) = delete;
  virtual ~SecretProvider() = default;

  // The latest version where `version` is empty. Throws Error: kAuth (the identity or its role is
  // refused), kValidation (there is no such secret or version; it is disabled, not yet valid or
  // expired), kThrottled, kUnavailable, kTimeout. The message says which, and what to do.
  [[nodiscard]] virtual SecretValue get(std::string_view name, std::string_view version,
                                        const client::Call& call) = 0;
  // Newest first, without values.
  [[nodiscard]] virtual std::vector<SecretVersion> versions(std::string_view name,
                                                            const client::Call& call) = 0;
};

}  // namespace gesso::azure
