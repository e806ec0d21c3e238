// Users, as an administrator sees and changes them.
#include <spdlog/spdlog.h>

#include "gesso/api/account_calls.hpp"
#include "gesso/api/idempotency_key.hpp"
#include "gesso/api/operations.hpp"
#include "gesso/domain/user_administration.hpp"
#include "gesso/repositories/user_repository.hpp"

namespace gesso::api {

struct ListUsers {
  std::optional<bool> active = {};
  std::optional<models::SubscriptionTier> tier = {};
  std::optional<schema::Email> email = {};
  schema::Integer<1, 100> limit = 20;
  std::string cursor = {};
};
GESSO_FIELDS(
    ListUsers,
    (active,
     "Those who may log in, or those who may not. Without it those who may; beside `email` "
     "both."),
    (tier, "Only those of this tier."),
    (email, "Only the one with this address, in any case of letters."),
    (limit, "At most so many.", schema::kHasDefault),
    (cursor, "`next_cursor` of the page before.", schema::kHasDefault))

struct OneUser {
  std::string id;
};
GESSO_FIELDS(OneUser, (id, "Which one."))

struct TierRequest {
  models::SubscriptionTier tier = models::SubscriptionTier::kFree;

  static constexpr std::string_view kName = "TierRequest";
};
GESSO_FIELDS(TierRequest, (tier, "The new tier."))

struct SetTier {
  std::string id;
  TierRequest body;
};
GESSO_FIELDS(SetTier, (id, "Which one."), (body, "The new tier."))

struct RoleRequest {
  models::UserRole role = models::UserRole::kUser;

  static constexpr std::string_view kName = "RoleRequest";
};
GESSO_FIELDS(RoleRequest, (role, "The new role."))

struct SetRole {
  std::string id;
  RoleRequest body;
};
GESSO_FIELDS(SetRole, (id, "Which one."), (body, "The new role."))

struct GrantRequest {
  models::GrantedCredits amount;
  models::CreditReason reason;

  static constexpr std::string_view kName = "GrantRequest";
  static constexpr std::string_view kAbout = "Credits for a user.";
  static constexpr std::string_view kExample =
      R"({"amount": 100, "reason": "Made up for the outage of May 3"})";
};
GESSO_FIELDS(GrantRequest, (amount, "How many credits are added to the balance."),
             (reason, "Why. The user sees it in the usage log."))

struct GrantCredits {
  std::string id;
  std::optional<std::string> idempotency_key = {};
  GrantRequest body;
};
GESSO_FIELDS(
    GrantCredits, (id, "Who gets them."),
    (idempotency_key,
     "Up to 255 characters of the administrator's choice, in quotes or bare. A request that "
     "is sent again with the key of one before grants nothing more: it gets the same "
     "answer, for 90 days.",
     kFromHeader),
    (body, "How many, and why."))

// What stays the same however often the request is repeated.
struct GrantReceipt {
  models::UsageLogId id;
  models::UserId user_id;
  models::GrantedCredits amount;
  models::CreditReason reason;
  models::UserId granted_by;
  Time granted_at;

  static constexpr std::string_view kName = "GrantReceipt";
  static constexpr std::string_view kAbout = "Credits that were granted.";
};
GESSO_FIELDS(GrantReceipt, (id, "The entry of the user's usage log."), (user_id, "Who got them."),
             (amount, schema::field_about<&models::CreditGrant::credits>),
             (reason, schema::field_about<&models::CreditGrant::reason>),
             (granted_by, schema::field_about<&models::CreditGrant::granted_by>),
             (granted_at, "When that was."))

namespace {

using models::User;
using repositories::UserRepository;

using NotYourself = Problem<409, "not_yourself", "An administrator cannot do that to himself">;

NotFound no_such_user() { return {.detail = "There is no such user"}; }

Result<Page<User>> list_users(DatabaseCall& call, const ListUsers& asked) {
  auto users = call.make<UserRepository>();
  if (asked.email) {
    Page<User> page;
    auto user = users.find_by_email(*asked.email);
    const bool fits = user && user->is_active == asked.active.value_or(user->is_active) &&
                      user->subscription_tier == asked.tier.value_or(user->subscription_tier);
    if (fits) page.items.push_back(*std::move(user));
    return page;
  }
  auto page = users.list(
      asked.active.value_or(true), asked.tier,
      {.limit = asked.limit, .cursor = asked.cursor, .skip_undecodable = [&](const Error& error) {
         spdlog::error("{}: left out of a list: {}", call.request_id, error.what());
       }});
  return Page<User>{.items = std::move(page.items), .next_cursor = std::move(page.next)};
}

Result<User, NotFound> get_user(DatabaseCall& call, const OneUser& asked) {
  if (const auto id = models::UserId::parse(asked.id)) {
    if (auto user = call.make<UserRepository>().find_by_id(*id)) return *std::move(user);
  }
  return no_such_user();
}

Result<User, NotFound> set_tier(DatabaseCall& call, const SetTier& asked) {
  if (const auto id = models::UserId::parse(asked.id)) {
    if (auto user = call.make<UserRepository>().set_tier(*id, asked.body.tier)) {
      return *std::move(user);
    }
  }
  return no_such_user();
}

using Administered = Result<User, NotFound, NotYourself>;

Administered answer(domain::AdministrationOutcome outcome) {
  if (auto* user = std::get_if<User>(&outcome)) return std::move(*user);
  if (std::holds_alternative<domain::NotYourself>(outcome)) {
    return NotYourself{.detail = "Let another administrator do it"};
  }
  return no_such_user();
}

Administered set_active(DatabaseCall& call, const OneUser& asked, bool active) {
  const auto id = models::UserId::parse(asked.id);
  if (!id) return no_such_user();
  return answer(
      domain::set_active(call.services.accounts, call.session, call.user_id(), *id, active));
}

Administered deactivate_user(DatabaseCall& call, const OneUser& asked) {
  return set_active(call, asked, false);
}
Administered reactivate_user(DatabaseCall& call, const OneUser& asked) {
  return set_active(call, asked, true);
}

Administered set_role(DatabaseCall& call, const SetRole& asked) {
  const auto id = models::UserId::parse(asked.id);
  if (!id) return no_such_user();
  return answer(
      domain::set_role(call.services.accounts, call.session, call.user_id(), *id, asked.body.role));
}

Result<GrantReceipt, NotFound, BadKey, KeyReused> grant_credits(DatabaseCall& call,
                                                                const GrantCredits& asked) {
  const auto id = models::UserId::parse(asked.id);
  if (!id) return no_such_user();
  std::optional<domain::IdempotencyKey> key;
  if (asked.idempotency_key) {
    key = read_key(*asked.idempotency_key);
    if (!key) return bad_key();
  }
  const auto outcome = domain::grant_credits(call.services.accounts, call.session,
                                             {.user_id = *id,
                                              .grant = {.credits = asked.body.amount,
                                                        .reason = asked.body.reason,
                                                        .granted_by = call.user_id()}},
                                             key);
  if (std::holds_alternative<domain::NoSuchUser>(outcome)) return no_such_user();
  if (std::holds_alternative<domain::KeyReused>(outcome)) return key_reused();
  const auto& entry = std::get<models::UsageLog>(outcome);
  return GrantReceipt{.id = entry.id,
                      .user_id = entry.user_id,
                      .amount = entry.grant->credits,
                      .reason = entry.grant->reason,
                      .granted_by = entry.grant->granted_by,
                      .granted_at = entry.created_at};
}

constexpr Operation kOperations[] = {
    operation<list_users>(
        {.path = "/api/v1/admin/users",
         .id = "listUsers",
         .tag = "Administration",
         .summary = "Users, newest first, or the one with an address.",
         .description = "`active`, `tier` and `email` may be combined; all that are given "
                        "have to fit. There is one order, by `created_at`, and no part of an "
                        "address is searched for: an index serves each combination. A "
                        "`cursor` belongs to the combination that it came with.",
         .scope = Scope::kAdmin}),
    operation<get_user>({.path = "/api/v1/admin/users/{id}",
                         .id = "getUser",
                         .tag = "Administration",
                         .summary = "One user.",
                         .scope = Scope::kAdmin}),
    operation<set_tier>({.method = http::Method::kPut,
                         .path = "/api/v1/admin/users/{id}/tier",
                         .id = "setUserTier",
                         .tag = "Administration",
                         .summary = "Set a user's tier.",
                         .scope = Scope::kAdmin,
                         .limit = LimitClass::kWrite}),
    operation<set_role>({.method = http::Method::kPut,
                         .path = "/api/v1/admin/users/{id}/role",
                         .id = "setUserRole",
                         .tag = "Administration",
                         .summary = "Make a user an administrator, or no longer.",
                         .scope = Scope::kAdmin,
                         .limit = LimitClass::kWrite}),
    operation<deactivate_user>({.method = http::Method::kPost,
                                .path = "/api/v1/admin/users/{id}/deactivate",
                                .id = "deactivateUser",
                                .tag = "Administration",
                                .summary = "Lock a user out at once, everywhere.",
                                .scope = Scope::kAdmin,
                                .limit = LimitClass::kWrite}),
    operation<reactivate_user>({.method = http::Method::kPost,
                                .path = "/api/v1/admin/users/{id}/reactivate",
                                .id = "reactivateUser",
                                .tag = "Administration",
                                .summary = "Let a user log in again.",
                                .scope = Scope::kAdmin,
                                .limit = LimitClass::kWrite}),
    operation<grant_credits>({.method = http::Method::kPost,
                              .path = "/api/v1/admin/users/{id}/credits",
                              .id = "grantCredits",
                              .tag = "Administration",
                              .summary = "Add credits to a user's balance.",
                              .description = "The user sees it in the usage log: how many, by whom "
                                             "and why.",
                              .scope = Scope::kAdmin,
                              .limit = LimitClass::kWrite,
                              .status = 201}),
};

}  // namespace

Operations admin_user_operations() { return kOperations; }

}  // namespace gesso::api
