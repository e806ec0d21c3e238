// The access tokens that the stand-ins of Azure issued: unique opaque texts, and who may use them
// for what and how long. The vault takes no other.
//
// Shared by the stand-ins of one AzureStandIn; thread-safe; never blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"

namespace gesso::testing {

struct IssuedToken {
  std::string value;
  std::string issuer;  // "imds", "app_service", "arc", "entra"
  std::string tenant;
  std::string client_id;
  std::string resource;  // as it was asked for; of a scope, without "/.default"
  Time expires_on;
  bool revoked = false;
};

class AzureTokens {
  const Clock& clock_;
  mutable std::mutex mutex_;  // guards what follows
  std::chrono::seconds life_{std::chrono::hours{24}};
  std::optional<std::chrono::seconds> refresh_in_;
  std::vector<IssuedToken> issued_;
  std::vector<std::string> resources_{"https://management.azure.com"};

 public:
  explicit AzureTokens(const Clock& clock) : clock_(clock) {}

  // The lifetime of tokens that are issued from now on.
  void set_life(std::chrono::seconds life);
  [[nodiscard]] std::chrono::seconds life() const;
  // What replies of Entra name as `refresh_in`; none unless set.
  void set_refresh_in(std::optional<std::chrono::seconds> refresh_in);
  [[nodiscard]] std::optional<std::chrono::seconds> refresh_in() const;
  // What tokens can be had for; https://management.azure.com from the start.
  void add_resource(std::string resource);
  // A slash at its end makes no difference here. It does to the vault, as in the field.
  [[nodiscard]] bool knows_resource(std::string_view resource) const;
  // The vault refuses all that were issued until now.
  void revoke_all();

  [[nodiscard]] std::vector<IssuedToken> issued() const;
  [[nodiscard]] std::size_t count() const;
  [[nodiscard]] std::size_t count(std::string_view issuer) const;
  [[nodiscard]] std::optional<IssuedToken> find(std::string_view value) const;

  // Issues a token; for the stand-ins.
  [[nodiscard]] IssuedToken issue(std::string issuer, std::string tenant, std::string client_id,
                                  std::string resource);
  [[nodiscard]] const Clock& clock() const { return clock_; }
};

}  // namespace gesso::testing
