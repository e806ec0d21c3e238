#include "gesso/testing/azure_tokens.hpp"

#include <algorithm>
#include <utility>

#include "gesso/base/base64.hpp"
#include "gesso/base/random.hpp"

namespace gesso::testing {

void AzureTokens::set_life(std::chrono::seconds life) {
  const std::lock_guard lock(mutex_);
  life_ = life;
}

std::chrono::seconds AzureTokens::life() const {
  const std::lock_guard lock(mutex_);
  return life_;
}

void AzureTokens::set_refresh_in(std::optional<std::chrono::seconds> refresh_in) {
  const std::lock_guard lock(mutex_);
  refresh_in_ = refresh_in;
}

std::optional<std::chrono::seconds> AzureTokens::refresh_in() const {
  const std::lock_guard lock(mutex_);
  return refresh_in_;
}

void AzureTokens::add_resource(std::string resource) {
  const std::lock_guard lock(mutex_);
  resources_.push_back(std::move(resource));
}

bool AzureTokens::knows_resource(std::string_view resource) const {
  if (resource.ends_with('/')) resource.remove_suffix(1);
  const std::lock_guard lock(mutex_);
  return std::find(resources_.begin(), resources_.end(), resource) != resources_.end();
}

void AzureTokens::revoke_all() {
  const std::lock_guard lock(mutex_);
  for (IssuedToken& one : issued_) one.revoked = true;
}

std::vector<IssuedToken> AzureTokens::issued() const {
  const std::lock_guard lock(mutex_);
  return issued_;
}

std::size_t AzureTokens::count() const {
  const std::lock_guard lock(mutex_);
  return issued_.size();
}

std::size_t AzureTokens::count(std::string_view issuer) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(issued_.begin(), issued_.end(),
                    [&](const IssuedToken& one) { return one.issuer == issuer; }));
}

std::optional<IssuedToken> AzureTokens::find(std::string_view value) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(issued_.begin(), issued_.end(),
                                  [&](const IssuedToken& one) { return one.value == value; });
  if (found == issued_.end()) return std::nullopt;
  return *found;
}

IssuedToken AzureTokens::issue(std::string issuer, std::string tenant, std::string client_id,
                               std::string resource) {
  // In three parts and as long as real ones, so that a client which cuts or parses them is found.
  const auto part = [](std::string_view label) {
    std::string bytes(160, '\0');
    SystemRandom().fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
    return std::string(label) + base64url_encode(bytes);
  };
  IssuedToken made{.value = part("eyJ0") + "." + part("eyJh") + "." + part(""),
                   .issuer = std::move(issuer),
                   .tenant = std::move(tenant),
                   .client_id = std::move(client_id),
                   .resource = std::move(resource),
                   .expires_on = {}};
  const std::lock_guard lock(mutex_);
  // Replies name whole seconds.
  made.expires_on = std::chrono::floor<std::chrono::seconds>(clock_.now()) + life_;
  issued_.push_back(made);
  return made;
}

}  // namespace gesso::testing
