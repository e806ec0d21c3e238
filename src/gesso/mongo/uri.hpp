// A connection string as people and portals write it, made fit for libmongoc.
//
// What changes on the way, and why:
//  - blanks and line ends around it are taken off: shells and files leave them in secrets;
//  - credentials are percent-encoded where they are raw: Azure's keys are base64 (`+ / ==`);
//  - writes are not retried on hosts of Azure Cosmos DB, even when the string is silent or says
//    `retryWrites=true`, since who numbers writes there cannot write at all;
//  - `tls` is on for hosts of Azure Cosmos DB;
//  - `maxIdleTimeMS` is taken out (libmongoc only warns about it) for our own idle rule;
//  - `minPoolSize` is taken out: libmongoc reads it as the most idle connections to keep;
//  - `w` is majority where the string is silent;
//  - `retryReads` and `retryWrites` are off for libmongoc, since `Session` does that (see
//    detail/lease.hpp); what was asked for is in `DriverUri::retry_writes`;
//  - `authMechanism=MONGODB-OIDC`, which libmongoc does not know, is taken out with all that
//  belongs
//    to it, for `DriverUri::token_login`;
//  - time limits and the pool's size are the service's.
// `appName` stays (Azure routes by it), and so does all else.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "gesso/base/secret.hpp"
#include "gesso/mongo/token_login.hpp"

namespace gesso::mongo {

struct UriOptions {
  std::size_t max_pool_size = 100;
  std::chrono::milliseconds server_selection_timeout{5000};
  // libmongoc waits for a server without regard to a unit's deadline. What was not sent is
  // repeated by `Session`, so a short wait at a time will do.
  std::chrono::milliseconds selection_slice{1000};
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds socket_timeout{65000};
  std::string tls_ca_file = {};
  std::string app_name = "gesso";  // where the string names none
};

struct DriverUri {
  Secret text;                                        // what libmongoc is given
  std::string redacted;                               // the same without password and key, for logs
  std::vector<std::string> hosts;                     // without ports
  bool tls = false;                                   // whether connections are encrypted
  bool retry_writes = true;                           // whether to, where the server can
  std::optional<std::chrono::milliseconds> max_idle;  // maxIdleTimeMS, where it is given
  std::optional<TokenLogin> token_login;              // where connections log in by a token
};

// Reads and mends a connection string. Throws Error (kValidation) that says what is wrong, without
// the password.
[[nodiscard]] DriverUri prepare_uri(const Secret& uri, const UriOptions& options);

}  // namespace gesso::mongo
