// Which attempts to sign in were finished: noted once for all instances, beside the counts of rate
// limits, so that a state is good once (RFC 9700, 4.7.1).
//
// Blocks on the database. Thread-safe, as the session allows.
#pragma once

#include "gesso/domain/oauth/attempt.hpp"
#include "gesso/mongo/session.hpp"
#include "gesso/repositories/repository_context.hpp"

namespace gesso::domain::oauth {

// Notes that the attempt is used; false where it was before. Throws what the session throws.
[[nodiscard]] bool use_attempt(mongo::Session& session,
                               const repositories::RepositoryContext& context,
                               const Attempt& attempt);

}  // namespace gesso::domain::oauth
