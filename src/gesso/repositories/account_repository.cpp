#include "gesso/repositories/account_repository.hpp"

#include <string>

namespace gesso::repositories {

using namespace query;
using models::User;

namespace {

// Adds to `changes` how the member of that name differs.
template <auto OfUser, auto OfAccount>
void compare(const Account& before, const Account& after, Update<User>& changes) {
  static_assert(std::is_same_v<schema::FieldType<OfUser>, schema::FieldType<OfAccount>>);
  const auto& value = after.*OfAccount;
  if (before.*OfAccount == value) return;
  if constexpr (schema::detail::is_optional<schema::FieldType<OfUser>>) {
    changes.add(value ? set<OfUser>(*value) : unset<OfUser>());
  } else {
    changes.add(set<OfUser>(value));
  }
}

}  // namespace

User AccountRepository::create(User user) {
  User created = Repository::create(std::move(user));
  context().count(&CreditCounters::granted, created.credits_remaining.value());
  return created;
}

std::optional<Account> AccountRepository::find_account(const models::UserId& id) {
  return find_one(where<&User::id> == id, unsorted, project<Account>());
}

std::optional<Account> AccountRepository::find_account(const schema::Email& email) {
  return find_one(where<&User::email> == email, unsorted, project<Account>());
}

std::optional<Account> AccountRepository::find_account(models::AuthProvider provider,
                                                       const models::ForeignId& auth_provider_id) {
  auto found = find_one(
      where<&User::auth_provider> == provider && where<&User::auth_provider_id> == auth_provider_id,
      unsorted, project<Account>());
  if (found) return found;
  return find_one(where<&User::linked_identities, &models::LinkedIdentity::key> ==
                      models::identity_key(provider, auth_provider_id),
                  unsorted, project<Account>());
}

std::optional<AdmissionRecord> AccountRepository::find_for_admission(const models::UserId& id,
                                                                     CredentialKind kind) {
  // Written by hand, since a typed projection takes whole fields, and of a session or a key only
  // what is looked at is to travel.
  static const auto fields_with = [](std::initializer_list<std::string_view> more) {
    bson::Builder builder;
    builder.append("_id", 0);
    for (const char* name : {"is_active", "is_verified", "role", "subscription_tier"}) {
      builder.append(name, 1);
    }
    for (const std::string_view name : more) builder.append(name, 1);
    return builder.finish();
  };
  static const bson::Document for_session =
      fields_with({"login_sessions._id", "login_sessions.expires_at"});
  static const bson::Document for_api_key =
      fields_with({"api_keys._id", "api_keys.hash", "api_keys.scopes", "api_keys.last_used_at",
                   "api_keys.expires_at"});
  mongo::FindOptions options;
  options.projection = kind == CredentialKind::kSession ? for_session : for_api_key;
  const auto document =
      session().find_one(kCollection, query::to_bson(where<&User::id> == id), options);
  if (!document) return std::nullopt;
  return schema::from_stored<AdmissionRecord>(*document, ns());
}

void AccountRepository::touch_api_key(const models::UserId& id, const ApiKeyLife& seen,
                                      Time moment) {
  // The positional operator: the key that the filter found. The revision stays, since nothing
  // depends on this field.
  bson::Builder key;
  key.append("_id", seen.id.str());
  if (seen.last_used_at) {
    key.append("last_used_at", *seen.last_used_at);
  } else {
    key.append("last_used_at", bson::Null{});  // also where there is none
  }
  session().update_one(
      kCollection,
      bson::make_document("_id", id.str(), "api_keys",
                          bson::make_document("$elemMatch", key.finish())),
      bson::make_document("$set", bson::make_document("api_keys.$.last_used_at", moment)));
}

bool AccountRepository::save(const Account& before, const Account& after) {
  Update<User> changes;
  compare<&User::email, &Account::email>(before, after, changes);
  compare<&User::full_name, &Account::full_name>(before, after, changes);
  compare<&User::auth_provider, &Account::auth_provider>(before, after, changes);
  compare<&User::auth_provider_id, &Account::auth_provider_id>(before, after, changes);
  compare<&User::linked_identities, &Account::linked_identities>(before, after, changes);
  compare<&User::hashed_password, &Account::hashed_password>(before, after, changes);
  compare<&User::is_active, &Account::is_active>(before, after, changes);
  compare<&User::is_verified, &Account::is_verified>(before, after, changes);
  compare<&User::role, &Account::role>(before, after, changes);
  compare<&User::subscription_tier, &Account::subscription_tier>(before, after, changes);
  compare<&User::settings, &Account::settings>(before, after, changes);
  compare<&User::login_sessions, &Account::login_sessions>(before, after, changes);
  compare<&User::api_keys, &Account::api_keys>(before, after, changes);
  compare<&User::totp, &Account::totp>(before, after, changes);
  compare<&User::recovery_codes, &Account::recovery_codes>(before, after, changes);
  compare<&User::email_token, &Account::email_token>(before, after, changes);
  compare<&User::reset_token, &Account::reset_token>(before, after, changes);
  compare<&User::deleted_at, &Account::deleted_at>(before, after, changes);
  if (changes.empty()) return true;
  changes.add(set<&User::account_revision>(before.account_revision.value_or(0) + 1));
  const auto the_user = where<&User::id> == before.id;
  return before.account_revision
             ? change_one(the_user && where<&User::account_revision> == *before.account_revision,
                          std::move(changes))
             : change_one(the_user && where<&User::account_revision>.missing(), std::move(changes));
}

Error AccountRepository::too_busy(const models::UserId& id) const {
  return Error(ErrorKind::kConflict, "user " + id.str() + " is changed by too many at once",
               {.retryable = true, .ns = ns(), .operation = "update"});
}

}  // namespace gesso::repositories
