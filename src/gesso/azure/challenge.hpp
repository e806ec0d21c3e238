// The challenge of a 401: who is to be asked for a token, and for what (RFC 9110 section 11.6.1;
// Key Vault's "Authentication, requests and responses").
//
//   WWW-Authenticate: Bearer authorization="https://login.microsoftonline.com/TENANT",
//                     resource="https://vault.azure.net"
//
// What it says comes from outside: it is compared with what is known, and never obeyed. Pure
// functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/client/http_client.hpp"

namespace gesso::azure {

struct Challenge {
  std::string scheme;  // in lower case
  // Names in lower case, values without quotes and escapes, in their order.
  std::vector<std::pair<std::string, std::string>> parameters;

  // The first of that name (given in lower case).
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const;
};

// Total: what cannot be read is passed over. One header may hold several challenges.
[[nodiscard]] std::vector<Challenge> parse_challenges(std::string_view header);

struct BearerChallenge {
  std::string authority;  // "https://login.microsoftonline.com/TENANT"; empty where it names none
  std::string resource;   // "https://vault.azure.net", from `resource` or `scope`; or empty
  std::string error;      // "invalid_token"; mostly empty
};

// The first Bearer challenge of a reply; std::nullopt where there is none.
[[nodiscard]] std::optional<BearerChallenge> bearer_challenge(const client::HttpResponse& response);

}  // namespace gesso::azure
