// Logging in by an access token (MONGODB-OIDC), for servers that take a managed identity instead
// of a password: Azure DocumentDB. A connection string asks for it by its `authMechanism`.
//
// libmongoc knows the mechanism from 2.2 on. Here the service logs in by a command, on each
// connection that it opens: before the first command goes over it, when its token is about to end,
// and when the server asks for it (391, or 13 from a connection that libmongoc opened anew); what
// was refused so was not done, and is sent once more.
// https://github.com/mongodb/specifications/blob/master/source/auth/auth.md#mongodb-oidc
#pragma once

#include <functional>
#include <string>

#include "gesso/base/clock.hpp"
#include "gesso/base/deadline.hpp"
#include "gesso/base/secret.hpp"

namespace gesso::mongo {

// What a connection string says of it.
struct TokenLogin {
  std::string resource = "https://ossrdbms-aad.database.windows.net";  // TOKEN_RESOURCE
  std::string client_id = {};  // of a user-assigned identity; the URI's user
};

struct LoginToken {
  Secret value;
  Time expires_on;
};

enum class TokenWish {
  kAny,    // one that is held will do
  kFresh,  // the server refused the one before
};

// Gives an access token. Called on workers' threads; blocks until the deadline at most. It should
// keep tokens: each connection asks. Throws Error: kAuth where there is none to be had,
// kUnavailable and kTimeout where nobody answered.
using TokenSource = std::function<LoginToken(const TokenLogin&, TokenWish, Deadline)>;

}  // namespace gesso::mongo
