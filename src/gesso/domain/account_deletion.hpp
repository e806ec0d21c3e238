// Taking all that is kept of a person along, and having it deleted.
//
// Deletion is two steps, since no transaction spans collections. The first is one update: the user
// is locked out for good, and the document holds nothing any more that names a person. From then on
// the address is free. The second deletes what other collections hold, and the document at last; it
// is safe to repeat, and a sweep does so after a crash.
//
// What the user pays for at Stripe is cancelled there, at once, before the documents go that say
// what it is: by the sweep, which is told, and which tries again until it is done. Of a customer of
// Stripe's the two documents, ids and nothing else, stay for a day: a checkout that was open may
// still buy something for nobody, and that is cancelled too.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <variant>

#include "gesso/domain/account_services.hpp"
#include "gesso/domain/billing_decisions.hpp"
#include "gesso/domain/reauthentication.hpp"
#include "gesso/images/blob_store.hpp"

namespace gesso::domain {

// Gives `write` a JSON object, piece by piece: the profile, sessions, keys (without their secrets),
// the subscription, all generations and usage logs. Memory is constant. Returns false, and has
// written nothing, where there is no such user.
bool export_account(mongo::Session& session, const repositories::RepositoryContext& context,
                    const models::UserId& user_id,
                    const std::function<void(std::string_view)>& write);

// The first step; the second is done by who is told of it (`on_deletion`), or here where nobody is,
// if the time allows. Hashes.
[[nodiscard]] std::variant<Accepted, NotProven, TooManyAttempts> delete_account(
    const AccountServices& services, const RunUnit& run, const Requester& requester,
    const Proof& proof);

// The second step for one user who went through the first. Returns whether all is gone; false where
// a charge of the user's is still on its way, which charging's sweep ends, where something is still
// paid for at Stripe, and for a customer of Stripe's on the first day. Images are not its business.
bool erase_deleted_account(mongo::Session& session, const repositories::RepositoryContext& context,
                           const models::UserId& user_id);

// How payments are ended: by whom Stripe is asked, and what its replies mean. Without a transport
// nothing can be cancelled, and what would have to be is kept until there is one.
struct PaymentEnds {
  const BillingSettings& settings;
  StripeTransport stripe = {};
};

struct DeletionReport {
  std::int64_t gone = 0;       // accounts of which nothing is left
  std::int64_t cancelled = 0;  // subscriptions that were cancelled at Stripe
  std::int64_t paying = 0;     // accounts that are still to be cancelled there
};

// Cancels what is still paid for, and does the second step, for those whom a crash, a charge or
// Stripe left. The images of the user's generations go before these do, as far as they can within
// `removing`; the others are the orphan sweep's. Holds no connection while it waits for Stripe or
// for the store. Safe from many processes at once.
DeletionReport sweep_deleted_accounts(const RunUnit& run,
                                      const repositories::RepositoryContext& context,
                                      const PaymentEnds& payments,
                                      images::BlobStore* images = nullptr,
                                      const client::Call& removing = {});

}  // namespace gesso::domain
