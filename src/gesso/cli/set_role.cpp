// `gesso set-role`: makes a user an administrator, the first one above all.
#include <array>

#include "gesso/cli/command.hpp"
#include "gesso/cli/database.hpp"
#include "gesso/repositories/user_repository.hpp"

namespace gesso::cli {
namespace {

ExitCode set_role(const Invocation& invocation) {
  const auto role = schema::parse_enum<models::UserRole>(invocation.option("--role"));
  if (!role) throw Failure(ExitCode::kUsage, "--role: expected user or admin");
  const std::string email(invocation.option("--email"));
  if (email.empty()) throw Failure(ExitCode::kUsage, "--email is missing");
  const SystemClock clock;
  SystemRandom random;
  IdGenerator ids(clock, random);
  const repositories::RepositoryContext context{.clock = clock, .random = random, .ids = ids};
  Database database(invocation.settings.values, clock, random);
  database.connect();
  const auto user = database.service().run([&](mongo::Session& session) {
    repositories::UserRepository users(session, context);
    const auto found = users.find_by_email(email);
    return found ? users.set_role(found->id, *role) : std::nullopt;
  });
  if (!user) throw Failure(ExitCode::kFailure, "there is no user with the email " + email);
  invocation.out << user->email << " is " << to_string(user->role) << "\n";
  return ExitCode::kOk;
}

}  // namespace

Command set_role_command() {
  static constexpr auto kOptions = std::to_array<Option>(
      {{.flag = "--email", .about = "Whose role", .value = "EMAIL"},
       {.flag = "--role", .about = "user or admin", .value = "ROLE", .default_value = "admin"}});
  return {.name = "set-role",
          .about = "Make a user an administrator, or no longer",
          .more = R"(Examples:
  gesso set-role --email ann@example.com
  gesso set-role --email ann@example.com --role user

It counts from the user's next request on; the service may run meanwhile.)",
          .settings = kDatabaseSettings,
          .options = kOptions,
          .run = set_role};
}

}  // namespace gesso::cli
