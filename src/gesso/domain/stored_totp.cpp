#include "gesso/domain/stored_totp.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "gesso/base/error.hpp"
#include "gesso/domain/totp.hpp"

namespace gesso::domain {

using namespace query;
using models::User;

namespace {

constexpr std::int64_t kBatch = 500;
constexpr const char* kFirstId = "user_-";  // no id comes before it

std::string owner_of(const models::UserId& user_id) { return "totp/" + user_id.str(); }

struct PlainSecret {
  Secret value;
  bool is_current = false;  // encrypted with the key of today
};

PlainSecret open_secret(const Keyring* keys, const models::UserId& user_id,
                        std::string_view stored) {
  if (!Keyring::is_sealed(stored)) return {.value = Secret(stored)};
  if (keys == nullptr) {
    throw Error(ErrorKind::kInternal,
                "the secret of a second factor is encrypted, and no key to encrypt with is set");
  }
  try {
    auto opened = keys->open(stored, owner_of(user_id));
    return {.value = std::move(opened.value), .is_current = opened.is_current};
  } catch (const Error& error) {
    throw Error(ErrorKind::kInternal,
                "the second factor of " + user_id.str() + ": " + error.what());
  }
}

}  // namespace

std::string seal_totp_secret(const Keyring& keys, const models::UserId& user_id,
                             std::string_view secret, Random& random) {
  return keys.seal(secret, owner_of(user_id), random);
}

bool take_stored_totp_code(const AccountServices& services, Account& account,
                           std::string_view code) {
  models::Totp& totp = *account.totp;
  const PlainSecret secret = open_secret(services.keys, account.id, totp.secret);
  if (!take_totp_code(totp, secret.value.reveal(), code, services.now())) return false;
  if (services.keys != nullptr && !secret.is_current) {
    totp.secret = seal_totp_secret(*services.keys, account.id, secret.value.reveal(),
                                   services.context.random);
  }
  return true;
}

Reencrypted reencrypt_totp_secrets(mongo::Session& session,
                                   const repositories::RepositoryContext& context,
                                   const Keyring& keys) {
  AccountRepository accounts(session, context);
  Reencrypted result;
  const auto change = [&](Account& account) {
    if (!account.totp || keys.is_current(account.totp->secret)) return false;
    const PlainSecret secret = open_secret(&keys, account.id, account.totp->secret);
    account.totp->secret =
        seal_totp_secret(keys, account.id, secret.value.reveal(), context.random);
    return true;
  };
  repositories::PageOptions options{.limit = kBatch, .skip_undecodable = [&](const Error& error) {
                                      ++result.failed;
                                      spdlog::error("left as it is: {}", error.what());
                                    }};
  do {
    const auto page = accounts.page(where<&User::id> >= models::UserId(kFirstId),
                                    sort_by(asc<&User::id>), options);
    for (const User& user : page.items) {
      if (!user.totp || keys.is_current(user.totp->secret)) continue;
      try {
        if (accounts.change_account(user.id, change).value_or(false)) ++result.changed;
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kInternal) throw;
        ++result.failed;
        spdlog::error("left as it is: {}", error.what());
      }
    }
    options.cursor = page.next.value_or("");
  } while (!options.cursor.empty());
  return result;
}

}  // namespace gesso::domain
