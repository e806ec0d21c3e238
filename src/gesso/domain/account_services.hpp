// What the functions about accounts share: registration, sign_in, passwords, second_factor,
// api_keys, account_deletion.
//
// Borrows; thread-safe, as its parts are.
//
// Functions that hash a password take a quarter of a second of CPU for it and hold no connection
// meanwhile: they are given `RunUnit`, which runs a unit of work on a database worker and waits for
// it, and are called on the hash pool. All others are given a session.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "gesso/base/keyring.hpp"
#include "gesso/domain/attempt_limits.hpp"
#include "gesso/domain/client_info.hpp"
#include "gesso/domain/jwt.hpp"
#include "gesso/domain/mailer.hpp"
#include "gesso/domain/sessions.hpp"
#include "gesso/mongo/session.hpp"
#include "gesso/repositories/account_repository.hpp"
#include "gesso/repositories/repository_context.hpp"

namespace gesso::domain {

using repositories::Account;
using repositories::AccountRepository;

using Unit = std::function<void(mongo::Session&)>;
using RunUnit = std::function<void(const Unit&)>;

// Runs `unit` and returns what it returns.
template <std::invocable<mongo::Session&> F>
auto run_unit(const RunUnit& run, F&& unit) -> std::invoke_result_t<F&, mongo::Session&> {
  std::optional<std::invoke_result_t<F&, mongo::Session&>> result;
  run([&](mongo::Session& session) { result.emplace(unit(session)); });
  return *std::move(result);
}

struct AccountSettings {
  // Whether the answer to a registration hides that the address is taken: it is the same for both,
  // takes as long, and the rest is in the mail to that address (ASVS 5.0, 6.3.8, level 3). False is
  // the habit of FastAPI's users: 409, and the user in the answer to the others.
  bool hide_taken_email = false;
  // Whether a login waits until the address is confirmed.
  bool require_verified_email = false;
  // Whether addresses that no mail reaches (`.test`, `.localhost`, ...) may register.
  bool allow_special_use_domains = false;
  SessionRules sessions = {};
  std::size_t max_api_keys = 20;
  std::chrono::seconds confirm_email_lifetime = std::chrono::hours{24};
  std::chrono::seconds reset_password_lifetime = std::chrono::minutes{10};  // ASVS 5.0, 6.5.5
  // Who has neither a password nor a second factor proves to be present by a login this young.
  std::chrono::seconds recent_login = std::chrono::minutes{15};
  std::string service_name = "Gesso";
  // Pages of the front end that take the token behind "#", where no server logs it (ASVS 5.0,
  // 14.2.1). Empty: the mail holds the token alone.
  std::string confirm_email_page = {};
  std::string reset_password_page = {};
};

struct AccountServices {
  const repositories::RepositoryContext& context;
  const Tokens& tokens;
  MailQueue& mail;
  AttemptLimits& limits;
  RunUnit run;  // for what the mail queue does; called on its thread
  AccountSettings settings = {};
  // Told when an account was deleted, so that what is left is done soon. Must not block.
  std::function<void()> on_deletion = {};
  // What second factors are encrypted with; nullptr: nobody can begin one.
  const Keyring* keys = nullptr;

  [[nodiscard]] Time now() const { return context.clock.now(); }
};

// A line in the log about a login, a refusal, a change of an account (ASVS 5.0, 16.3.1). `subject`
// is a user's id; "" where there is none.
void log_security_event(std::string_view event, std::string_view subject, const ClientInfo& client);

// The user is not there, or is locked out.
struct NoSuchUser {};
// A mailed token that is not good: used, too old, or never made.
struct TokenRefused {};
// It was taken; whatever else there is to say is in the mail.
struct Accepted {};

}  // namespace gesso::domain
