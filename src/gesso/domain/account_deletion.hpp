// Taking all that is kept of a person along, and having it deleted.
//
// Deletion is two steps, since no transaction spans collections. The first is one update: the user
// is locked out for good, and the document holds nothing any more that names a person. From then on
// the address is free. The second deletes what other collections hold, and the document at last; it
// is safe to repeat, and a sweep does so after a crash.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <variant>

#include "gesso/domain/account_services.hpp"
#include "gesso/domain/reauthentication.hpp"

namespace gesso::domain {

// Gives `write` a JSON object, piece by piece: the profile, sessions, keys (without their secrets),
// the subscription, all generations and usage logs. Memory is constant. Returns false, and has
// written nothing, where there is no such user.
bool export_account(mongo::Session& session, const repositories::RepositoryContext& context,
                    const models::UserId& user_id,
                    const std::function<void(std::string_view)>& write);

// The first step, and the second where the time allows. Hashes.
[[nodiscard]] std::variant<Accepted, NotProven, TooManyAttempts> delete_account(
    const AccountServices& services, const RunUnit& run, const Requester& requester,
    const Proof& proof);

// The second step for one user who went through the first. Returns whether all is gone; false where
// a charge of the user's is still on its way, which charging's sweep ends.
bool erase_deleted_account(mongo::Session& session, const repositories::RepositoryContext& context,
                           const models::UserId& user_id);

// The second step for those whom a crash or a charge left. Returns how many are gone. Safe from
// many processes at once.
std::int64_t sweep_deleted_accounts(mongo::Session& session,
                                    const repositories::RepositoryContext& context);

}  // namespace gesso::domain
