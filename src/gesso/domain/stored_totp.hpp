// The secret of a second factor as a user's document holds it: encrypted (base/keyring.hpp), with
// the user's id bound to it, so that whoever reads the database has no codes, and nobody puts a
// secret of his own account into another's.
//
// What an older version stored in plain text is still read, and encrypted when a code of it is next
// taken; so is what a key encrypted that is to go.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gesso/base/keyring.hpp"
#include "gesso/domain/account_services.hpp"

namespace gesso::domain {

[[nodiscard]] std::string seal_totp_secret(const Keyring& keys, const models::UserId& user_id,
                                           std::string_view secret, Random& random);

// As take_totp_code, of the account's second factor. Changes nothing but the account. REQUIRES: it
// has one. Throws Error (kInternal) where its secret cannot be decrypted: no such key is set, or
// somebody changed the database.
[[nodiscard]] bool take_stored_totp_code(const AccountServices& services, Account& account,
                                         std::string_view code);

struct Reencrypted {
  std::int64_t changed = 0;
  std::int64_t failed = 0;  // each is in the log with its user's id
};
// Encrypts with the current key what is in plain text, or under another key. Reads all users; safe
// to repeat, and while the service runs.
Reencrypted reencrypt_totp_secrets(mongo::Session& session,
                                   const repositories::RepositoryContext& context,
                                   const Keyring& keys);

}  // namespace gesso::domain
