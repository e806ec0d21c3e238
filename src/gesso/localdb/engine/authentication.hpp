// Logging in, also as a part of the handshake.
#pragma once

#include "gesso/bson/view.hpp"
#include "gesso/localdb/engine/context.hpp"

namespace gesso::localdb {

// Begins the conversation that hello's `speculativeAuthenticate` proposes and joins its answer to
// the reply; joins nothing where that is no good, and the driver then begins by saslStart.
void speculative_authenticate(Context& context, bson::View proposal);

// Whom the client is logged in as: the user as it is now, or a token's bearer, who is kept nowhere.
// nullptr where it is not logged in, and where the user is gone.
[[nodiscard]] auth::UserPtr logged_in(const Services& services, const Client& client);

}  // namespace gesso::localdb
