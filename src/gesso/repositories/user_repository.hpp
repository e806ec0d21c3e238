// Users: sign-up, login, credits. See repository.hpp for what every repository can do.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/models/user.hpp"
#include "gesso/repositories/repository.hpp"

namespace gesso::repositories {

class UserRepository : public Repository<models::User> {
 public:
  using Repository::Repository;

  // Inserts a user and returns it. Hashes the password, which takes a quarter of a second. Throws
  // Error: kDuplicate with field "email" where the address is taken, in any case of letters;
  // kValidation where the password, or the id at the provider, is missing.
  models::User create_user(const models::UserCreate& request);
  // Inserts a user with a hash that was made before, so that no connection is held while it is
  // made. Throws as the other.
  models::User create_user(const models::UserCreate& request,
                           std::optional<schema::PasswordHash> hashed_password);
  // Changes what the request holds; std::nullopt where there is no such user. Throws Error:
  // kDuplicate with field "email".
  std::optional<models::User> update_user(const Id& id, const models::UserUpdate& request);

  // Finds by an address in any case of letters; what is no address finds nobody.
  [[nodiscard]] std::optional<models::User> find_by_email(std::string_view email);
  [[nodiscard]] std::optional<models::User> find_by_stripe_customer_id(
      std::string_view stripe_customer_id);
  [[nodiscard]] std::optional<models::User> find_by_auth_provider(
      models::AuthProvider provider, std::string_view auth_provider_id);

  // The user, if there is one with that address and that password. Takes as long where there is
  // none: a quarter of a second of CPU. Whether the user is active is the caller's question.
  [[nodiscard]] std::optional<models::User> verify_password(std::string_view email,
                                                            std::string_view password);

  // Whether there is such a user and nobody locked the user out.
  [[nodiscard]] bool is_active(const Id& id);

  // Newest first.
  [[nodiscard]] std::vector<models::User> get_active_users(std::int64_t skip = 0,
                                                           std::int64_t limit = 100);

  // These return the user as it is then, and std::nullopt where there is none.
  std::optional<models::User> increment_generations(const Id& id);
  // Both change the balance once for each token: a call whose answer was lost may be repeated (see
  // models/credit_operation.hpp). `deduct_credits` returns std::nullopt, and changes nothing, also
  // where the user has less than `credits`. Charging for a generation is charging.hpp's, which
  // survives a crash. Throw Error: kValidation for less than 1.
  std::optional<models::User> deduct_credits(const Id& id, std::int64_t credits,
                                             const models::OperationToken& token,
                                             std::optional<models::CreditReason> reason = {});
  std::optional<models::User> add_credits(const Id& id, std::int64_t credits,
                                          const models::OperationToken& token,
                                          std::optional<models::CreditReason> reason = {});
  std::optional<models::User> set_tier(const Id& id, models::SubscriptionTier tier);
  std::optional<models::User> set_stripe_customer(const Id& id, const models::ForeignId& customer);
  std::optional<models::User> mark_as_verified(const Id& id);
  // Locks the user out: is_active is false, every session is ended, no mailed token is good any
  // more. In one update, and whoever asks from then on is refused (domain/admission.hpp).
  std::optional<models::User> deactivate(const Id& id);
  // Lets the user log in again; std::nullopt also for an account that its user deleted.
  std::optional<models::User> reactivate(const Id& id);
  std::optional<models::User> set_role(const Id& id, models::UserRole role);
  std::optional<models::User> update_profile(const Id& id, const models::ProfileUpdate& request);

  // Users who are active, or who are not, of one tier or of all, newest first.
  [[nodiscard]] Page<models::User> list(bool active, std::optional<models::SubscriptionTier> tier,
                                        const PageOptions& options);

 private:
  std::optional<models::User> change_credits(const Id& id, std::int64_t by,
                                             const models::OperationToken& token,
                                             std::optional<models::CreditReason> reason);
};

}  // namespace gesso::repositories
