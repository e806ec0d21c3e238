// Where the platform asks whether somebody may try once more: to log in, to enter a code, to have a
// mail sent. Who answers counts; see limited_attempts.hpp.
//
// Implementations are thread-safe and may block on the database.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

#include "gesso/mongo/session.hpp"
#include "gesso/schema/enum.hpp"

namespace gesso::domain {

enum class Attempt {
  kRegister,
  kPassword,  // a login, or the password asked for before a change of the account
  kCode,      // of the second factor
  kMail,      // a mail that an unknown caller has sent to somebody
  kToken,     // a token that was mailed, or a refresh token
};
constexpr auto wire_texts(Attempt) {
  return std::to_array<std::string_view>({"register", "password", "code", "mail", "token"});
}

// Whether the account is logged in from that network already.
enum class Network { kStrange, kFamiliar };

class AttemptLimits {
 public:
  AttemptLimits() = default;
  AttemptLimits(const AttemptLimits&) = delete;
  AttemptLimits& operator=(const AttemptLimits&) = delete;
  virtual ~AttemptLimits() = default;

  // Counts an attempt: how long to wait where it is one too many, std::nullopt where it may go on.
  // `account` is an email address or a user's id, `network` what `network_of` says of the caller's
  // address; either may be "". Nobody may lock somebody else out (ASVS 5.0, 6.1.1): what others
  // tried with an account does not hold back whoever comes from a familiar network.
  [[nodiscard]] virtual std::optional<std::chrono::seconds> refuse(
      mongo::Session& session, Attempt attempt, std::string_view account, std::string_view network,
      Network familiarity = Network::kStrange) = 0;
};

class NoAttemptLimits final : public AttemptLimits {
 public:
  std::optional<std::chrono::seconds> refuse(mongo::Session&, Attempt, std::string_view,
                                             std::string_view, Network) override {
    return std::nullopt;
  }
};

// A refusal: one attempt too many.
struct TooManyAttempts {
  std::chrono::seconds retry_after{0};
};

}  // namespace gesso::domain
