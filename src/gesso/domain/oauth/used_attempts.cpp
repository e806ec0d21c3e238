#include "gesso/domain/oauth/used_attempts.hpp"

#include <string>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/repositories/rate_limit_repository.hpp"

namespace gesso::domain::oauth {

bool use_attempt(mongo::Session& session, const repositories::RepositoryContext& context,
                 const Attempt& attempt) {
  repositories::RateLimitRepository uses(session, context);
  // A window of its own: as long as the attempt, so that no boundary lies within.
  const repositories::LimitWindow window{.start = attempt.expires_at - kAttemptLifetime,
                                         .length = kAttemptLifetime};
  const std::string subject = "sign-in:" + base64url_encode(as_text(sha256(attempt.state)));
  return uses.take(subject, "sign-in", window, 1, 1, uses.next_operation()).taken;
}

}  // namespace gesso::domain::oauth
