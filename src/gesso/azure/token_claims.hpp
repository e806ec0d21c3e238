// What an access token says of itself, for comparing and for messages. Its signature is not looked
// at: it is the vault's to trust, not ours.
#pragma once

#include <string>

#include "gesso/base/secret.hpp"

namespace gesso::azure {

// The claim `tid`; empty where the token is no JWT or has none.
[[nodiscard]] std::string token_tenant(const Secret& token);

// The claim `oid`: the identity's object id, which roles are assigned to. Empty likewise, and where
// it is no UUID.
[[nodiscard]] std::string token_object(const Secret& token);

}  // namespace gesso::azure
