// Users: who may log in, what they may do, and the credits they have. Value types.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/models/account_state.hpp"
#include "gesso/models/credit_grant.hpp"
#include "gesso/models/credit_operation.hpp"
#include "gesso/models/ids.hpp"
#include "gesso/models/pending_charge.hpp"
#include "gesso/query/index.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/email.hpp"
#include "gesso/schema/number.hpp"
#include "gesso/schema/password.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::models {

using schema::to_string;

enum class AuthProvider { kEmail, kGoogle, kGithub, kMicrosoft };
constexpr auto wire_texts(AuthProvider) {
  return std::to_array<std::string_view>({"email", "google", "github", "microsoft"});
}

enum class SubscriptionTier { kFree, kBasic, kPro, kEnterprise };
constexpr auto wire_texts(SubscriptionTier) {
  return std::to_array<std::string_view>({"free", "basic", "pro", "enterprise"});
}

enum class UserRole { kUser, kAdmin };
constexpr auto wire_texts(UserRole) { return std::to_array<std::string_view>({"user", "admin"}); }

using FullName = schema::Text<1, 200>;
// An id that another service gave: Stripe, Replicate, an OAuth provider.
using ForeignId = schema::Text<1, 255>;

// A provider and the user's id there: "google/1234".
using IdentityKey = schema::Text<3, 300>;
[[nodiscard]] IdentityKey identity_key(AuthProvider provider, const ForeignId& auth_provider_id);

// An account at a provider that was linked beside the first one.
struct LinkedIdentity {
  IdentityKey key;
  AuthProvider provider = AuthProvider::kGoogle;
  ForeignId auth_provider_id;
  Time linked_at;

  friend bool operator==(const LinkedIdentity&, const LinkedIdentity&) = default;

  static constexpr std::string_view kName = "LinkedIdentity";
};
GESSO_FIELDS(LinkedIdentity, (key, "The next two as one text, to look it up by."),
             (provider, "Who vouches for the login."),
             (auth_provider_id, "The user's id at that provider."), (linked_at, "Since when."))

struct User {
  UserId id;
  schema::Email email;
  std::optional<FullName> full_name = {};
  AuthProvider auth_provider = AuthProvider::kEmail;
  std::optional<ForeignId> auth_provider_id = {};
  std::vector<LinkedIdentity> linked_identities = {};
  std::optional<schema::PasswordHash> hashed_password = {};
  bool is_active = true;
  bool is_verified = false;
  UserRole role = UserRole::kUser;
  SubscriptionTier subscription_tier = SubscriptionTier::kFree;
  std::optional<ForeignId> stripe_customer_id = {};
  schema::NonNegative credits_remaining = 10;
  schema::NonNegative total_generations = 0;
  schema::Object settings = {};
  std::vector<PendingCharge> pending_charges = {};
  std::vector<CreditOperation> recent_operations = {};
  std::vector<PendingGrant> pending_grants = {};
  bool may_have_subscription = true;
  std::optional<SubscriptionId> counted_subscription_id = {};
  schema::NonNegative counted_generations = 0;
  std::vector<LoginSession> login_sessions = {};
  std::vector<ApiKey> api_keys = {};
  std::optional<Totp> totp = {};
  std::vector<TokenHash> recovery_codes = {};
  std::optional<MailedToken> email_token = {};
  std::optional<MailedToken> reset_token = {};
  std::optional<std::int64_t> account_revision = {};
  std::optional<Time> deleted_at = {};
  Time created_at;
  Time updated_at;

  friend bool operator==(const User&, const User&) = default;

  static constexpr std::string_view kName = "User";
  static constexpr std::string_view kCollection = "users";
  static constexpr std::string_view kAbout = "Profile, login and credits of one person.";

  using Indexes = query::IndexList<
      query::Unique<&User::email>,  // sign-up and login
      query::Index<&User::auth_provider_id>, query::Index<&User::stripe_customer_id>,
      query::Index<&User::created_at>, query::Index<&User::is_active>,
      query::Index<&User::subscription_tier, &User::is_active>,
      // A login through a provider: two providers may give the same id.
      query::Lookup<&User::auth_provider, &User::auth_provider_id>,
      query::UniqueWhenPresent<query::asc<&User::linked_identities, &LinkedIdentity::key>>,
      // Pages of active users, newest first. `_id` at the end tells users of one moment apart.
      query::Index<&User::is_active, query::desc<&User::created_at>, query::desc<&User::id>>,
      // The same of one tier.
      query::Index<&User::subscription_tier, &User::is_active, query::desc<&User::created_at>,
                   query::desc<&User::id>>,
      // The sweep looks for holds that a crash left.
      query::Index<query::asc<&User::pending_charges, &PendingCharge::at>>,
      // And for grants.
      query::Index<query::asc<&User::pending_grants, &PendingGrant::at>>>;
};
GESSO_FIELDS(
    User, (id, "Assigned by the service."),
    (email, "Login name, in lower case, so that no two users differ in letter case only."),
    (full_name, "For display."), (auth_provider, "Who vouches for the login.", schema::kHasDefault),
    (auth_provider_id, "The user's id at that provider; absent for `email`."),
    (linked_identities, "Accounts at further providers that log this user in; one a provider.",
     schema::kHasDefault | schema::kInternal),
    (hashed_password, "bcrypt, 12 rounds; absent where a provider vouches. Never in JSON."),
    (is_active, "A user who is not cannot log in, and is logged in nowhere.", schema::kHasDefault),
    (is_verified, "Whether the email address was confirmed.", schema::kHasDefault),
    (role, "An admin may also see and change other users.", schema::kHasDefault),
    (subscription_tier, "What the current subscription grants.", schema::kHasDefault),
    (stripe_customer_id, "The user at Stripe, once there was a payment."),
    (credits_remaining,
     "Credits beyond the subscription's; those of the subscription are used first.",
     schema::kHasDefault),
    (total_generations, "Generations that were ever requested.", schema::kHasDefault),
    (settings, "Preferences of the client's own shape.", schema::kHasDefault),
    (pending_charges, kPendingChargesAbout, schema::kHasDefault | schema::kInternal),
    (recent_operations, kRecentOperationsAbout, schema::kHasDefault | schema::kInternal),
    (pending_grants, "Grants that were begun; keeps granting exact across crashes.",
     schema::kHasDefault | schema::kInternal),
    (may_have_subscription,
     "Whether a charge has to look for a subscription; false until the first is bought.",
     schema::kHasDefault | schema::kInternal),
    (counted_subscription_id, "The subscription whose generations `counted_generations` counts.",
     schema::kInternal),
    (counted_generations,
     "How many of the generations that it paid alone are in `total_generations`.",
     schema::kHasDefault | schema::kInternal),
    (login_sessions, "Where the user is logged in; 20 at most, the oldest makes room.",
     schema::kHasDefault | schema::kInternal),
    (api_keys, "Keys for programs; 20 at most.", schema::kHasDefault | schema::kInternal),
    (totp, "The second factor, where there is one.", schema::kInternal),
    (recovery_codes, "SHA-256 of each code that replaces the second factor once.",
     schema::kHasDefault | schema::kInternal),
    (email_token, "What was mailed to confirm an address.", schema::kInternal),
    (reset_token, "What was mailed to set a new password.", schema::kInternal),
    (account_revision, "Grows with every change of what login depends on.", schema::kInternal),
    (deleted_at, "When the user deleted the account; what is left of it goes soon.",
     schema::kInternal),
    (created_at, "When the user registered."), (updated_at, "Last change of any field."))

// A registration. Read from clients, stored nowhere.
struct UserCreate {
  schema::Email email;
  std::optional<schema::Password> password = {};
  std::optional<FullName> full_name = {};
  AuthProvider auth_provider = AuthProvider::kEmail;
  std::optional<ForeignId> auth_provider_id = {};

  // A login by email needs a password, any other the id at its provider.
  [[nodiscard]] std::vector<Violation> check() const;

  static constexpr std::string_view kName = "UserCreate";
  static constexpr std::string_view kAbout = "A registration.";
};
GESSO_FIELDS(UserCreate, (email, "Login name; letter case does not matter."),
             (password, "8 to 256 characters. Required where `auth_provider` is `email`."),
             (full_name, schema::field_about<&User::full_name>),
             (auth_provider, schema::field_about<&User::auth_provider>, schema::kHasDefault),
             (auth_provider_id, "Required where `auth_provider` is not `email`."))

// A change of a profile by its user: what is absent stays. What a user must not decide (whether the
// account is active, verified, whose customer it is) has methods of UserRepository.
struct UserUpdate {
  std::optional<schema::Email> email = {};
  schema::Clearable<FullName> full_name = {};
  std::optional<schema::Object> settings = {};

  friend bool operator==(const UserUpdate&, const UserUpdate&) = default;

  static constexpr std::string_view kName = "UserUpdate";
  static constexpr std::string_view kAbout =
      "A change of a profile by its user: what is absent stays.";
};
GESSO_FIELDS(UserUpdate, (email, "The new login name."), (full_name, "null takes it away."),
             (settings, "Replaces all settings."))

// What a user may change of the profile at once. The address is not among it: a new one is
// confirmed first (domain/registration.hpp).
struct ProfileUpdate {
  schema::Clearable<FullName> full_name = {};
  std::optional<schema::Object> settings = {};

  friend bool operator==(const ProfileUpdate&, const ProfileUpdate&) = default;

  static constexpr std::string_view kName = "ProfileUpdate";
  static constexpr std::string_view kAbout = "A change of one's own profile: what is absent stays.";
};
GESSO_FIELDS(ProfileUpdate, (full_name, "null takes it away."),
             (settings, "Replaces all settings."))

}  // namespace gesso::models
