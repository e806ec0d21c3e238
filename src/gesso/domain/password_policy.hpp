// Which passwords are taken, beyond their length: none that everybody guesses first (ASVS 5.0,
// 6.2.4), none that is the user's own address (6.2.11). No rule about kinds of characters (6.2.5).
//
// Pure functions; thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "gesso/base/error.hpp"
#include "gesso/schema/email.hpp"
#include "gesso/schema/password.hpp"

namespace gesso::domain {

// What is wrong with it, without a path; std::nullopt where it is taken.
[[nodiscard]] std::optional<Violation> check_password(const schema::Password& password,
                                                      const schema::Email& email);

// Throws Error (kValidation) at `field` for a password that `check_password` refuses.
void require_good_password(const schema::Password& password, const schema::Email& email,
                           std::string_view field);

}  // namespace gesso::domain
