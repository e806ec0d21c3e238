#include "gesso/cli/localdb_access.hpp"

#include <sys/un.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "gesso/base/clock.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/random.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/cli/database.hpp"
#include "gesso/mongo/service.hpp"

namespace gesso::cli {
namespace {

constexpr const char* kPrimaryKey = "GESSO_LOCALDB_PRIMARY_KEY";
constexpr const char* kSecondaryKey = "GESSO_LOCALDB_SECONDARY_KEY";

Secret from_environment(const char* name) {
  const char* value = std::getenv(name);
  return Secret(std::string_view(value == nullptr ? "" : value));
}

std::string full_path(const std::filesystem::path& path) {
  return std::filesystem::absolute(path).lexically_normal();
}

void apply_tls(const Invocation& invocation, localdb::ServerOptions& options) {
  const std::string_view how = invocation.option("--tls");
  options.tls_certificate_file = invocation.option("--tls-cert");
  options.tls_key_file = invocation.option("--tls-key");
  if (options.tls_certificate_file.empty() != options.tls_key_file.empty()) {
    throw Failure(ExitCode::kUsage, "--tls-cert and --tls-key: expected both, found one");
  }
  if (how.empty()) return;
  if (how != "self-signed") {
    throw Failure(ExitCode::kUsage,
                  "--tls: expected self-signed, found \"" + std::string(how) + "\"");
  }
  if (!options.tls_certificate_file.empty()) {
    throw Failure(ExitCode::kUsage, "--tls and --tls-cert: expected one of them, found both");
  }
  try {
    localdb::LocalCertificate made =
        localdb::make_local_certificate(options.data_dir, list_of(invocation.option("--tls-host")));
    options.tls_certificate_file = std::move(made.certificate_file);
    options.tls_key_file = std::move(made.key_file);
  } catch (const Error& error) {
    throw Failure(ExitCode::kFailure, error.what());
  }
}

void apply_oidc(const Invocation& invocation, localdb::ServerOptions& options) {
  options.oidc_issuer = invocation.option("--oidc-issuer");
  options.oidc_jwks_file = invocation.option("--oidc-jwks");
  if (options.oidc_issuer.empty() != options.oidc_jwks_file.empty()) {
    throw Failure(ExitCode::kUsage, "--oidc-issuer and --oidc-jwks: expected both, found one");
  }
  if (options.oidc_issuer.empty()) return;
  options.oidc_audience = invocation.option("--oidc-audience");
  const std::string_view skew = invocation.option("--oidc-skew");
  long long seconds = -1;
  const auto [end, error] = std::from_chars(skew.data(), skew.data() + skew.size(), seconds);
  if (error != std::errc{} || end != skew.data() + skew.size() || seconds < 0 || seconds > 3600) {
    throw Failure(ExitCode::kUsage,
                  "--oidc-skew: expected 0 to 3600 seconds, found \"" + std::string(skew) + "\"");
  }
  options.oidc_clock_skew = std::chrono::seconds{seconds};
}

}  // namespace

void apply_access(const Invocation& invocation, localdb::ServerOptions& options) {
  apply_tls(invocation, options);
  apply_oidc(invocation, options);
  options.account = invocation.option("--account");
  if (options.account.empty()) return;
  options.account_primary_key = from_environment(kPrimaryKey);
  options.account_secondary_key = from_environment(kSecondaryKey);
  // For its owner, who may ask for a new key there. Where the path is too long for a socket's, he
  // has to name another one.
  const std::string socket = full_path(options.data_dir / kLocalSocketName);
  if (options.unix_socket.empty() && socket.size() < sizeof(sockaddr_un::sun_path)) {
    options.unix_socket = socket;
  }
}

void print_access(std::ostream& out, const Invocation& invocation, const localdb::Server& server) {
  if (!invocation.option("--tls").empty()) {
    out << "  ca     " << full_path(invocation.settings.values.data_dir) << "/tls-ca.pem\n";
  }
  if (invocation.option("--account").empty() || invocation.option("--listen") == "none") return;
  using localdb::AccountKey;
  out << "  primary connection string\n    " << server.account_uri(AccountKey::kPrimary).reveal()
      << "\n  secondary connection string\n    "
      << server.account_uri(AccountKey::kSecondary).reveal() << "\n";
}

ExitCode regenerate_key(const Invocation& invocation) {
  const std::string which(invocation.option("--regenerate-key"));
  if (which != "primary" && which != "secondary") {
    throw Failure(ExitCode::kUsage,
                  "--regenerate-key: expected primary or secondary, found \"" + which + "\"");
  }
  std::string socket(invocation.option("--unix-socket"));
  if (socket.empty()) {
    socket =
        full_path(std::filesystem::path(invocation.settings.values.data_dir) / kLocalSocketName);
  }
  const SystemClock clock;
  SystemRandom random;
  mongo::Service service({.uri = Secret(localdb::socket_uri(socket)), .pool_size = 1}, clock,
                         random);
  try {
    // Not connected first: that would read, which nobody may who has not logged in.
    service.run(Deadline::after(std::chrono::seconds{10}), [&](mongo::Session& session) {
      (void)session.run_command("admin", bson::make_document("gessoRegenerateKey", which));
    });
  } catch (const Error& error) {
    throw Failure(ExitCode::kFailure, "no new key: " + std::string(error.what()));
  }
  invocation.out << "The " << which << " key is a new one.\n";
  return ExitCode::kOk;
}

}  // namespace gesso::cli
