#include "gesso/domain/account_deletion.hpp"

#include <spdlog/spdlog.h>

#include <string>

#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/models/generation.hpp"
#include "gesso/models/rate_limit_log.hpp"
#include "gesso/models/subscription.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/schema/json.hpp"

namespace gesso::domain {

using namespace query;
using models::User;

namespace {

// The address of a deleted user: nobody's, and all of them in one range of the index on addresses,
// so that the sweep finds them without an index of its own.
schema::Email address_of_deleted(const models::UserId& id) {
  return "~d" + hex(sha256(id.str())).substr(0, 32) + "@deleted.invalid";
}
const char* const kFirstDeleted = "~@deleted.invalid";

template <class Model, class E>
void delete_all(mongo::Session& session, const E& filter) {
  require_served(filter);
  session.delete_many(Model::kCollection, query::to_bson(filter));
}

// Writes `"name":[...]` of what `next` returns until it returns nothing.
template <class Next>
void write_list(const std::function<void(std::string_view)>& write, std::string_view name,
                Next&& next) {
  std::string text = ",\"" + std::string(name) + "\":[";
  bool first = true;
  while (const auto item = next()) {
    if (!first) text += ',';
    first = false;
    text += schema::to_json(*item);
    write(text);
    text.clear();
  }
  write(text + "]");
}

template <class T>
auto one_by_one(const std::vector<T>& items) {
  return [&items, at = std::size_t{0}]() mutable -> const T* {
    return at < items.size() ? &items[at++] : nullptr;
  };
}

}  // namespace

bool export_account(mongo::Session& session, const repositories::RepositoryContext& context,
                    const models::UserId& user_id,
                    const std::function<void(std::string_view)>& write) {
  const auto user = AccountRepository(session, context).find_by_id(user_id);
  if (!user) return false;
  write("{\"exported_at\":\"" + to_iso8601(context.clock.now()) +
        "\",\"user\":" + schema::to_json(*user));
  write_list(write, "sessions", one_by_one(user->login_sessions));
  write_list(write, "api_keys", one_by_one(user->api_keys));
  const auto subscription = repositories::Repository<models::Subscription>(session, context)
                                .find_one(where<&models::Subscription::user_id> == user_id);
  write(",\"subscription\":" + (subscription ? schema::to_json(*subscription) : "null"));
  const repositories::ListOptions lenient{.skip_undecodable = [](const Error& error) {
    spdlog::error("left out of an export: {}", error.what());
  }};
  auto generations = repositories::Repository<models::Generation>(session, context)
                         .stream(where<&models::Generation::user_id> == user_id,
                                 sort_by(desc<&models::Generation::created_at>), lenient);
  write_list(write, "generations", [&] { return generations.next(); });
  auto logs = repositories::Repository<models::UsageLog>(session, context)
                  .stream(where<&models::UsageLog::user_id> == user_id,
                          sort_by(desc<&models::UsageLog::created_at>), lenient);
  write_list(write, "usage_logs", [&] { return logs.next(); });
  write("}");
  return true;
}

std::variant<Accepted, NotProven, TooManyAttempts> delete_account(const AccountServices& services,
                                                                  const RunUnit& run,
                                                                  const Requester& requester,
                                                                  const Proof& proof) {
  const ProofOutcome outcome = reauthenticate(services, run, requester, proof);
  if (const auto* refusal = std::get_if<TooManyAttempts>(&outcome)) return *refusal;
  if (std::holds_alternative<NotProven>(outcome)) return NotProven{};
  const models::UserId& id = requester.user_id;
  run_unit(run, [&](mongo::Session& session) {
    return AccountRepository(session, services.context).change_account(id, [&](Account& account) {
      if (account.deleted_at) return false;
      account = Account{.id = id,
                        .email = address_of_deleted(id),
                        .is_active = false,
                        .account_revision = account.account_revision,
                        .deleted_at = services.now()};
      return true;
    });
  });
  log_security_event("account_deleted", id, requester.client);
  try {
    run_unit(run, [&](mongo::Session& session) {
      return erase_deleted_account(session, services.context, id);
    });
  } catch (const Error& error) {
    spdlog::warn("what is left of deleted user {} waits for the sweep: {}", id.str(), error.what());
  }
  return Accepted{};
}

bool erase_deleted_account(mongo::Session& session, const repositories::RepositoryContext& context,
                           const models::UserId& user_id) {
  AccountRepository users(session, context);
  const auto user = users.find_by_id(user_id);
  if (!user) return true;
  if (!user->deleted_at) return false;
  // A charge that began before the lock-out has its hold here or at the subscription, and may still
  // insert a generation.
  const auto subscription = repositories::Repository<models::Subscription>(session, context)
                                .find_one(where<&models::Subscription::user_id> == user_id);
  if (!user->pending_charges.empty() || (subscription && !subscription->pending_charges.empty())) {
    return false;
  }
  delete_all<models::Subscription>(session, where<&models::Subscription::user_id> == user_id);
  delete_all<models::Generation>(session, where<&models::Generation::user_id> == user_id);
  delete_all<models::UsageLog>(session, where<&models::UsageLog::user_id> == user_id);
  delete_all<models::RateLimitLog>(
      session, where<&models::RateLimitLog::user_id> == models::LimitSubject(user_id.str()));
  users.delete_by_id(user_id);
  return true;
}

std::int64_t sweep_deleted_accounts(mongo::Session& session,
                                    const repositories::RepositoryContext& context) {
  AccountRepository users(session, context);
  const std::vector<Account> left =
      users.find_many(where<&User::email> >= schema::Email(kFirstDeleted), unsorted,
                      {.limit = 1000, .skip_undecodable = [](const Error&) {}}, project<Account>());
  std::int64_t gone = 0;
  for (const Account& account : left) {
    // Somebody may have an address that begins like those.
    if (account.deleted_at && erase_deleted_account(session, context, account.id)) ++gone;
  }
  return gone;
}

}  // namespace gesso::domain
