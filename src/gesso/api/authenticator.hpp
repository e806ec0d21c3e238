// The link that finds out who calls: what the request shows is looked at on the I/O thread, where
// a forged token costs no more than its signature; whether its user may (still) come in is asked
// of the database, in one read, for every request: who was deactivated is out at once.
//
// Const, hence thread-safe. `identify` never blocks, `admit` does.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "gesso/api/caller.hpp"
#include "gesso/api/services.hpp"
#include "gesso/domain/admission.hpp"
#include "gesso/http/request.hpp"

namespace gesso::api {

// What a request shows: an access token whose signature was found good, or an API key.
using Credentials = domain::Credential;

// Why not, for the client.
struct NotAuthenticated {
  std::string_view why;
};

class Authenticator {
  const Services& services_;

 public:
  explicit Authenticator(const Services& services) : services_(services) {}

  [[nodiscard]] std::variant<Credentials, NotAuthenticated> identify(
      const http::Request& request) const;
  // std::nullopt where the session or key has ended, or its user is gone or locked out. Throws
  // Error.
  [[nodiscard]] std::optional<Caller> admit(const Credentials& credentials,
                                            mongo::Session& session) const;
};

}  // namespace gesso::api
