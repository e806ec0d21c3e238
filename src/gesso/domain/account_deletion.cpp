#include "gesso/domain/account_deletion.hpp"

#include <spdlog/spdlog.h>

#include <string>

#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/domain/billing.hpp"
#include "gesso/domain/generation_images.hpp"
#include "gesso/domain/identity_claims.hpp"
#include "gesso/models/generation.hpp"
#include "gesso/models/rate_limit_log.hpp"
#include "gesso/models/subscription.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/repositories/generation_repository.hpp"
#include "gesso/repositories/subscription_repository.hpp"
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

// Longer than a checkout at Stripe stays open (docs.stripe.com/api/checkout/sessions: 24 hours).
constexpr std::chrono::hours kCustomersRemain{25};
// How long one call to Stripe may take.
constexpr std::chrono::seconds kTimeToAsk{10};
constexpr std::int64_t kImagesPerPage = 200;  // generations whose images go between two looks

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
  std::vector<models::LinkedIdentity> linked = user->linked_identities;
  std::erase_if(linked, is_claim);
  write_list(write, "linked_identities", one_by_one(linked));
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

namespace {

// A charge that began before the lock-out has its hold at the user or at the subscription, and may
// still insert a generation.
bool has_charge_on_its_way(const User& user,
                           const std::optional<models::Subscription>& subscription) {
  return !user.pending_charges.empty() || (subscription && !subscription->pending_charges.empty());
}

}  // namespace

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
  // Who is told of it does the second step at once, and knows where the images are.
  if (services.on_deletion) {
    services.on_deletion();
    return Accepted{};
  }
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
  repositories::SubscriptionRepository subscriptions(session, context);
  const auto subscription = subscriptions.find_by_user(user_id);
  if (has_charge_on_its_way(*user, subscription)) return false;
  delete_all<models::Generation>(session, where<&models::Generation::user_id> == user_id);
  delete_all<models::UsageLog>(session, where<&models::UsageLog::user_id> == user_id);
  delete_all<models::RateLimitLog>(
      session, where<&models::RateLimitLog::user_id> == models::LimitSubject(user_id.str()));
  if (subscription && !collected_at_stripe(*subscription).empty()) return false;
  const bool is_customer =
      user->stripe_customer_id || (subscription && subscription->stripe_customer_id);
  if (is_customer && context.clock.now() < *user->deleted_at + kCustomersRemain) return false;
  // As it was seen: an event may have told of another purchase meanwhile.
  if (subscription && !subscriptions.delete_one(
                          where<&models::Subscription::id> == subscription->id &&
                          where<&models::Subscription::updated_at> == subscription->updated_at)) {
    return false;
  }
  users.delete_by_id(user_id);
  return true;
}

namespace {

// What Stripe says of a subscription that is cancelled there by now. Throws Error: kUnavailable
// where it is not.
bson::Document cancel_at_stripe(const StripeTransport& stripe, const models::ForeignId& id) {
  const auto ask = [&](const StripeCall& call) {
    return read_stripe_reply(stripe(call, Deadline::after(kTimeToAsk)));
  };
  auto reply = ask(cancel_now(id, id.str()));
  const auto is_unknown = [&] {
    const auto* problem = std::get_if<StripeProblem>(&reply);
    return problem != nullptr && problem->status == 404;
  };
  // It does not find one that it has cancelled before, or never had.
  if (is_unknown()) reply = ask(fetch_subscription(id));
  if (is_unknown()) {
    const auto epoch = std::int64_t{0};
    return bson::make_document("object", "subscription", "id", id.str(), "status", "canceled",
                               "created", epoch);
  }
  if (auto* object = std::get_if<bson::Document>(&reply)) return std::move(*object);
  const auto& problem = std::get<StripeProblem>(reply);
  throw Error(ErrorKind::kUnavailable,
              "Stripe answers " + std::to_string(problem.status) + " " + problem.code,
              {.retryable = true, .operation = "cancel"});
}

// Throws Error where Stripe could not be reached, or refuses.
void end_payments(const RunUnit& run, const repositories::RepositoryContext& context,
                  const PaymentEnds& payments, const models::UserId& user_id,
                  const std::vector<models::ForeignId>& collected) {
  for (const models::ForeignId& id : collected) {
    const Time asked_at = context.clock.now();
    const bson::Document object = cancel_at_stripe(payments.stripe, id);
    run_unit(run, [&](mongo::Session& session) {
      return Billing(session, context, payments.settings).apply_reply(object, asked_at, user_id);
    });
  }
}

std::vector<models::ForeignId> collected_of(mongo::Session& session,
                                            const repositories::RepositoryContext& context,
                                            const models::UserId& user_id) {
  const auto subscription =
      repositories::SubscriptionRepository(session, context).find_by_user(user_id);
  return subscription ? collected_at_stripe(*subscription) : std::vector<models::ForeignId>();
}

// Somebody may have an address that begins like those of the deleted.
std::vector<models::UserId> deleted_users(mongo::Session& session,
                                          const repositories::RepositoryContext& context) {
  std::vector<models::UserId> deleted;
  for (const Account& account :
       AccountRepository(session, context)
           .stream(where<&User::email> >= schema::Email(kFirstDeleted), unsorted,
                   {.skip_undecodable = [](const Error&) {}}, project<Account>())) {
    if (account.deleted_at) deleted.push_back(account.id);
  }
  return deleted;
}

// Page by page, and with no connection held while the store is asked. Where it does not answer, or
// the call ends, the rest is the orphan sweep's: nothing says any more whose these are.
void remove_images_of(const RunUnit& run, const repositories::RepositoryContext& context,
                      const models::UserId& user_id, images::BlobStore& store,
                      const client::Call& call) {
  repositories::PageOptions options{.limit = kImagesPerPage,
                                    .skip_undecodable = [](const Error&) {}};
  while (!call.ended()) {
    const auto page = run_unit(run, [&](mongo::Session& session) {
      return repositories::GenerationRepository(session, context)
          .page_by_user(user_id, {}, options);
    });
    for (const models::Generation& generation : page.items) {
      if (!remove_images(store, generation, call)) return;
    }
    if (!page.next) return;
    options.cursor = *page.next;
  }
}

bool may_be_erased(mongo::Session& session, const repositories::RepositoryContext& context,
                   const models::UserId& user_id) {
  const auto user = AccountRepository(session, context).find_by_id(user_id);
  return user && user->deleted_at &&
         !has_charge_on_its_way(
             *user, repositories::SubscriptionRepository(session, context).find_by_user(user_id));
}

}  // namespace

DeletionReport sweep_deleted_accounts(const RunUnit& run,
                                      const repositories::RepositoryContext& context,
                                      const PaymentEnds& payments, images::BlobStore* images,
                                      const client::Call& removing) {
  DeletionReport report;
  bool is_asked = static_cast<bool>(payments.stripe);
  const auto users =
      run_unit(run, [&](mongo::Session& session) { return deleted_users(session, context); });
  for (const models::UserId& user_id : users) {
    const auto collected = run_unit(
        run, [&](mongo::Session& session) { return collected_of(session, context, user_id); });
    if (!collected.empty() && is_asked) {
      try {
        end_payments(run, context, payments, user_id, collected);
      } catch (const Error& error) {
        spdlog::warn("deleted user {} still pays at Stripe: {}", user_id.str(), error.what());
        is_asked = false;  // the next sweep may have more luck
      }
    }
    if (images != nullptr && run_unit(run, [&](mongo::Session& session) {
          return may_be_erased(session, context, user_id);
        })) {
      remove_images_of(run, context, user_id, *images, removing);
    }
    run_unit(run, [&](mongo::Session& session) {
      const auto left = collected_of(session, context, user_id);
      report.cancelled += std::ssize(collected) - std::ssize(left);
      if (!left.empty()) ++report.paying;
      if (erase_deleted_account(session, context, user_id)) ++report.gone;
      return true;
    });
  }
  return report;
}

}  // namespace gesso::domain
