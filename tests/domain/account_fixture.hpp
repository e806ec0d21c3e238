// Everything that the functions about accounts need, over the database of the repository tests: the
// clock is a fake one, hashes are cheap, mails are kept.
#pragma once

#include <gtest/gtest.h>
#include <mutex>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gesso/domain/account_services.hpp"
#include "gesso/domain/admission.hpp"
#include "gesso/domain/registration.hpp"
#include "gesso/domain/sign_in.hpp"
#include "gesso/domain/totp.hpp"
#include "tests/domain/keeping_mailer.hpp"
#include "tests/repositories/fixture.hpp"

namespace gesso::domain {

// A keyring of keys of 32 times each letter, the first one for what is encrypted now.
inline Keyring keyring_of(std::string_view letters) {
  std::vector<Secret> keys;
  for (const char letter : letters) keys.emplace_back(std::string(Keyring::kMinKeyBytes, letter));
  return Keyring(keys);
}

// Refuses one kind of attempt when told to, and keeps what was asked.
class ScriptedLimits final : public AttemptLimits {
  std::mutex mutex_;  // guards `asked` while threads ask; a test reads it when they are done

 public:
  struct Asked {
    Attempt attempt;
    std::string account;
    std::string network;
    Network familiarity = Network::kStrange;
    friend bool operator==(const Asked&, const Asked&) = default;
  };
  std::optional<Attempt> refused = {};
  std::vector<Asked> asked = {};

  std::optional<std::chrono::seconds> refuse(mongo::Session&, Attempt attempt,
                                             std::string_view account, std::string_view network,
                                             Network familiarity) override {
    const std::lock_guard lock(mutex_);
    asked.push_back({attempt, std::string(account), std::string(network), familiarity});
    if (refused == attempt) return std::chrono::seconds{30};
    return std::nullopt;
  }
};

class AccountTest : public repositories::RepositoryTest {
 protected:
  KeepingMailer mailer_;
  MailQueue mail_{mailer_};
  ScriptedLimits limits_;
  Tokens tokens_{
      Secret(std::string_view("a key of thirty-two bytes or more")), std::nullopt, {}, clock_};
  const RunUnit run_ = [](const Unit& unit) {
    repositories::Database::get().service().run([&](mongo::Session& session) { unit(session); });
  };
  Keyring keys_ = keyring_of("k");
  AccountServices services_{.context = context_,
                            .tokens = tokens_,
                            .mail = mail_,
                            .limits = limits_,
                            .run = run_,
                            .keys = &keys_};
  const ClientInfo client_{.address = "192.0.2.7", .user_agent = "curl/8"};
  static constexpr const char* kPassword = "correct horse";

  // The mails since the last time.
  std::vector<Message> mails() {
    mail_.drain();
    return mailer_.take();
  }
  RegistrationOutcome try_register(std::string_view email, std::string_view password = kPassword) {
    return register_account(services_, run_,
                            {.email = email, .password = schema::Password(password)}, client_);
  }
  models::User registered(std::string_view email) {
    auto outcome = try_register(email);
    mails();
    return std::get<models::User>(std::move(outcome));
  }
  SignInOutcome try_log_in(std::string_view email, std::string_view password = kPassword) {
    return log_in(services_, run_, schema::Email(email), Secret(password), client_);
  }
  SignedIn logged_in(std::string_view email, std::string_view password = kPassword) {
    auto outcome = try_log_in(email, password);
    return std::get<SignedIn>(std::move(outcome));
  }
  Requester requester(const SignedIn& login) const {
    return {.user_id = login.user_id, .session_id = login.session.session_id, .client = client_};
  }
  static Proof by_password(std::string_view password = kPassword) {
    return {.password = Secret(password)};
  }

  Account account(const models::UserId& id) {
    return *with<AccountRepository>(
        [&](AccountRepository accounts) { return accounts.find_account(id); });
  }
  // Whether what stands behind "Bearer" gets in.
  std::variant<Identity, AdmissionFault> admitted(std::string_view token) {
    const auto credential = read_credential(tokens_, token);
    if (const auto* fault = std::get_if<AdmissionFault>(&credential)) return *fault;
    return run([&](mongo::Session& session) {
      return admit(session, context_, std::get<Credential>(credential));
    });
  }
  bool is_admitted(std::string_view token) {
    return std::holds_alternative<Identity>(admitted(token));
  }
  std::variant<SignedIn, RefreshFault, TooManyAttempts> refreshed(const std::string& token) {
    return run(
        [&](mongo::Session& session) { return refresh(services_, session, token, client_); });
  }

  // What an authenticator program shows now.
  [[nodiscard]] std::string code(std::string_view secret) const {
    return hotp(totp_key(secret), static_cast<std::uint64_t>(clock_.now().time_since_epoch() /
                                                             std::chrono::seconds{30}));
  }
};

}  // namespace gesso::domain
