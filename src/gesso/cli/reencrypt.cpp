// `gesso reencrypt`: takes the last step of a change of `encryption_keys`.
#include <array>

#include "gesso/cli/command.hpp"
#include "gesso/cli/database.hpp"
#include "gesso/cli/encryption_keys.hpp"
#include "gesso/domain/stored_totp.hpp"

namespace gesso::cli {
namespace {

ExitCode reencrypt(const Invocation& invocation) {
  const Settings& settings = invocation.settings.values;
  const SystemClock clock;
  SystemRandom random;
  IdGenerator ids(clock, random);
  const repositories::RepositoryContext context{.clock = clock, .random = random, .ids = ids};
  const auto keys = encryption_keys(settings, random);
  if (!keys) throw Failure(ExitCode::kUsage, "GESSO_ENCRYPTION_KEYS is not set");
  Database database(settings, clock, random);
  database.connect();
  const auto result = database.service().run([&](mongo::Session& session) {
    return domain::reencrypt_totp_secrets(session, context, *keys);
  });
  invocation.out << result.changed << " secrets encrypted anew with key " << keys->key_id() << "\n";
  if (result.failed == 0) return ExitCode::kOk;
  throw Failure(ExitCode::kFailure, std::to_string(result.failed) +
                                        " could not be: see the log; keep the keys that they need");
}

}  // namespace

Command reencrypt_command() {
  static constexpr auto kSettings = [] {
    std::array<std::string_view, kDatabaseSettings.size() + 1> keys{};
    for (std::size_t i = 0; i < kDatabaseSettings.size(); ++i) keys[i] = kDatabaseSettings[i];
    keys.back() = "encryption_keys";
    return keys;
  }();
  return {.name = "reencrypt",
          .about = "Encrypt stored secrets with the first of encryption_keys",
          .more = R"(To change the key:
  1. set encryption_keys to the new key and the old one, NEW,OLD, everywhere
  2. gesso reencrypt
  3. set encryption_keys to NEW

The service may run meanwhile. Secrets that an older version stored in plain text are encrypted too.)",
          .settings = kSettings,
          .options = {},
          .run = reencrypt};
}

}  // namespace gesso::cli
