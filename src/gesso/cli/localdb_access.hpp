// Who gets to the database that `gesso localdb` serves, and how: TLS, the account and its keys, the
// issuer of tokens.
#pragma once

#include <array>
#include <ostream>

#include "gesso/cli/command.hpp"
#include "gesso/localdb/localdb.hpp"

namespace gesso::cli {

inline constexpr auto kAccessOptions = std::to_array<Option>({
    {.flag = "--tls-cert",
     .about = "Serve TCP by TLS: certificate and chain in PEM",
     .value = "FILE"},
    {.flag = "--tls-key", .about = "Its key in PEM", .value = "FILE"},
    {.flag = "--tls",
     .about = "self-signed: serve TCP by TLS with a certificate of its own for this machine",
     .value = "HOW"},
    {.flag = "--tls-host",
     .about = "More names and addresses that certificate is for, with commas",
     .value = "HOSTS"},
    {.flag = "--account",
     .about = "An account as Azure Cosmos DB has them: its name and either of its two keys log in",
     .value = "NAME"},
    {.flag = "--regenerate-key",
     .about = "Do not serve: give the account of a running server a new primary or secondary key",
     .value = "KEY"},
    {.flag = "--oidc-issuer",
     .about = "Let tokens of this issuer log in by MONGODB-OIDC, as on Azure DocumentDB",
     .value = "ISSUER"},
    {.flag = "--oidc-jwks", .about = "Its keys: a JSON Web Key Set", .value = "FILE"},
    {.flag = "--oidc-audience",
     .about = "Whom its tokens must be for",
     .value = "AUDIENCE",
     .default_value = "https://ossrdbms-aad.database.windows.net"},
    {.flag = "--oidc-skew",
     .about = "Seconds by which its clock may differ",
     .value = "SECONDS",
     .default_value = "60"},
});

// Reads --tls, --tls-cert, --tls-key, --tls-host, --account with its keys of the environment
// (GESSO_LOCALDB_PRIMARY_KEY, GESSO_LOCALDB_SECONDARY_KEY), --oidc-issuer, --oidc-jwks,
// --oidc-audience and --oidc-skew into the options of a server; makes the certificate that --tls
// asks for. Throws Failure (kUsage, kFailure).
void apply_access(const Invocation& invocation, localdb::ServerOptions& options);

// The lines that tell people how to connect to a server that has started.
void print_access(std::ostream& out, const Invocation& invocation, const localdb::Server& server);

// `gesso localdb --regenerate-key`: asks the server of the data folder for a new key. Throws
// Failure.
[[nodiscard]] ExitCode regenerate_key(const Invocation& invocation);

}  // namespace gesso::cli
