#include "gesso/repositories/user_repository.hpp"

#include <algorithm>
#include <utility>

#include "gesso/models/password_hashing.hpp"
#include "gesso/repositories/checks.hpp"

namespace gesso::repositories {

using namespace query;
using models::ForeignId;
using models::User;

namespace {

// A text that the field cannot hold finds nothing.
std::optional<ForeignId> foreign_id(std::string_view text) {
  if (ForeignId::check(text)) return std::nullopt;
  return ForeignId(text);
}

}  // namespace

User UserRepository::create_user(const models::UserCreate& request) {
  if (auto violations = request.check(); !violations.empty()) {
    throw validation_error(std::move(violations));
  }
  std::optional<schema::PasswordHash> hash;
  if (request.password) {
    hash = models::hash_password(*request.password, context().random, context().bcrypt_cost);
  }
  return create_user(request, std::move(hash));
}

User UserRepository::create_user(const models::UserCreate& request,
                                 std::optional<schema::PasswordHash> hashed_password) {
  if (auto violations = request.check(); !violations.empty()) {
    throw validation_error(std::move(violations));
  }
  User user{.id = next_id(), .email = request.email, .created_at = now(), .updated_at = now()};
  user.full_name = request.full_name;
  user.auth_provider = request.auth_provider;
  user.auth_provider_id = request.auth_provider_id;
  user.hashed_password = std::move(hashed_password);
  user.may_have_subscription = false;
  User created = create(std::move(user));
  context().count(&CreditCounters::granted, created.credits_remaining.value());
  return created;
}

std::optional<User> UserRepository::update_user(const Id& id, const models::UserUpdate& request) {
  Update<User> changes;
  if (request.email) changes.add(set<&User::email>(*request.email));
  if (request.full_name) {
    changes.add(*request.full_name ? set<&User::full_name>(**request.full_name)
                                   : unset<&User::full_name>());
  }
  if (request.settings) changes.add(set<&User::settings>(*request.settings));
  return update_by_id(id, std::move(changes));
}

std::optional<User> UserRepository::find_by_email(std::string_view email) {
  const auto address = schema::Email::parse(email);
  if (!address) return std::nullopt;
  return find_one(where<&User::email> == *address);
}

std::optional<User> UserRepository::find_by_stripe_customer_id(
    std::string_view stripe_customer_id) {
  const auto id = foreign_id(stripe_customer_id);
  if (!id) return std::nullopt;
  return find_one(where<&User::stripe_customer_id> == *id);
}

std::optional<User> UserRepository::find_by_auth_provider(models::AuthProvider provider,
                                                          std::string_view auth_provider_id) {
  const auto id = foreign_id(auth_provider_id);
  if (!id) return std::nullopt;
  return find_one(where<&User::auth_provider> == provider && where<&User::auth_provider_id> == *id);
}

std::optional<User> UserRepository::verify_password(std::string_view email,
                                                    std::string_view password) {
  std::optional<User> user = find_by_email(email);
  if (!user || !user->hashed_password) {
    (void)models::verify_password(password, models::hash_of_nobody(context().bcrypt_cost));
    return std::nullopt;
  }
  if (!models::verify_password(password, *user->hashed_password)) return std::nullopt;
  return user;
}

std::vector<User> UserRepository::get_active_users(std::int64_t skip, std::int64_t limit) {
  return find_many(where<&User::is_active> == true, sort_by(desc<&User::created_at>),
                   {.skip = skip, .limit = limit});
}

std::optional<User> UserRepository::increment_generations(const Id& id) {
  return update_by_id(id, update(inc<&User::total_generations>(1)));
}

std::optional<User> UserRepository::deduct_credits(const Id& id, std::int64_t credits,
                                                   const models::OperationToken& token,
                                                   std::optional<models::CreditReason> reason) {
  require_at_least(1, "credits", credits);
  return change_credits(id, -credits, token, std::move(reason));
}

std::optional<User> UserRepository::add_credits(const Id& id, std::int64_t credits,
                                                const models::OperationToken& token,
                                                std::optional<models::CreditReason> reason) {
  require_at_least(1, "credits", credits);
  return change_credits(id, credits, token, std::move(reason));
}

std::optional<User> UserRepository::change_credits(const Id& id, std::int64_t by,
                                                   const models::OperationToken& token,
                                                   std::optional<models::CreditReason> reason) {
  const models::CreditOperation operation{
      .token = token, .credits = by, .reason = std::move(reason), .at = now()};
  auto changed = update_one(
      where<&User::id> == id && where<&User::credits_remaining> >= std::max<std::int64_t>(0, -by) &&
          where<&User::recent_operations, &models::CreditOperation::token> != token,
      update(inc<&User::credits_remaining>(by),
             push_bounded<&User::recent_operations>(operation, models::kRecentOperations)));
  if (changed) {
    context().count(&CreditCounters::granted, by);
    return changed;
  }
  // Too little, or done before.
  auto seen = find_by_id(id);
  if (seen && !models::has_operation(seen->recent_operations, token)) seen.reset();
  return seen;
}

std::optional<User> UserRepository::set_tier(const Id& id, models::SubscriptionTier tier) {
  return update_by_id(id, update(set<&User::subscription_tier>(tier)));
}

std::optional<User> UserRepository::set_stripe_customer(const Id& id, const ForeignId& customer) {
  return update_by_id(id, update(set<&User::stripe_customer_id>(customer)));
}

std::optional<User> UserRepository::mark_as_verified(const Id& id) {
  return update_by_id(id, update(set<&User::is_verified>(true)));
}

bool UserRepository::is_active(const Id& id) {
  return exists(where<&User::id> == id && where<&User::is_active> == true);
}

std::optional<User> UserRepository::deactivate(const Id& id) {
  return update_by_id(id, update(set<&User::is_active>(false),
                                 set<&User::login_sessions>(std::vector<models::LoginSession>{}),
                                 unset<&User::email_token>(), unset<&User::reset_token>(),
                                 inc<&User::account_revision>(std::int64_t{1})));
}

std::optional<User> UserRepository::reactivate(const Id& id) {
  return update_one(
      where<&User::id> == id && where<&User::deleted_at>.missing(),
      update(set<&User::is_active>(true), inc<&User::account_revision>(std::int64_t{1})));
}

std::optional<User> UserRepository::set_role(const Id& id, models::UserRole role) {
  return update_by_id(id, update(set<&User::role>(role)));
}

std::optional<User> UserRepository::update_profile(const Id& id,
                                                   const models::ProfileUpdate& request) {
  return update_user(id, {.full_name = request.full_name, .settings = request.settings});
}

Page<User> UserRepository::list(bool active, std::optional<models::SubscriptionTier> tier,
                                const PageOptions& options) {
  constexpr auto kNewestFirst = sort_by(desc<&User::created_at>);
  const auto are_active = where<&User::is_active> == active;
  if (!tier) return page(are_active, kNewestFirst, options);
  return page(where<&User::subscription_tier> == *tier && are_active, kNewestFirst, options);
}

}  // namespace gesso::repositories
