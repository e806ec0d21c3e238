// SCRAM-SHA-256, the server's side (RFC 5802, RFC 7677): what is kept of a password, and one
// conversation as a state machine without I/O.
//
// Passwords are printable ASCII, which SASLprep (RFC 4013) leaves as it is; others are refused
// where a user is made, so that no client prepares them differently from us.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/crypto.hpp"
#include "gesso/base/random.hpp"

namespace gesso::localdb::auth {

// Enough to check a password, not enough to log in with.
struct Credentials {
  int iterations = 0;
  std::vector<std::uint8_t> salt;
  Digest stored_key{};
  Digest server_key{};
};

// Costs some 10 ms at the default of iterations. Throws CommandError (kBadValue) for a password
// that is empty or not printable ASCII.
[[nodiscard]] Credentials make_credentials(std::string_view password, Random& random,
                                           int iterations = 15'000);

// The same with a salt that is given.
[[nodiscard]] Credentials derive_credentials(std::string_view password,
                                             std::vector<std::uint8_t> salt, int iterations);

// Credentials that no password fits, always the same for a name: what an unknown user is asked
// with, so that a client cannot tell which users there are.
[[nodiscard]] Credentials decoy_credentials(std::string_view user, const Digest& secret);

// One conversation. Not thread-safe; owned by the connection. Every refusal is CommandError
// (kAuthenticationFailed, or kProtocolError/kBadValue for what is no SCRAM at all).
class ScramServer {
  enum class State { kFirst, kFinal, kProven, kFailed };
  State state_ = State::kFirst;
  Random* random_;
  std::string user_;
  std::string gs2_header_;
  std::string auth_message_;
  std::string nonce_;
  std::vector<Credentials> credentials_;
  std::size_t proven_ = 0;

 public:
  // One or more, all with the same salt and iterations: whoever has the password of one is in.
  using Lookup = std::function<std::vector<Credentials>(const std::string& user)>;

  explicit ScramServer(Random& random) : random_(&random) {}

  // Takes client-first-message, gives server-first-message. `lookup` is asked for the user.
  [[nodiscard]] std::string first(std::string_view message, const Lookup& lookup);
  // Takes client-final-message, gives server-final-message; from then on `proven()`.
  [[nodiscard]] std::string final(std::string_view message);

  [[nodiscard]] bool proven() const noexcept { return state_ == State::kProven; }
  // Which of the credentials it was by, once it is proven.
  [[nodiscard]] std::size_t proven_by() const noexcept { return proven_; }
  [[nodiscard]] bool started() const noexcept { return state_ != State::kFirst; }
  // The name that the client gave, after `first`.
  [[nodiscard]] const std::string& user() const noexcept { return user_; }
};

}  // namespace gesso::localdb::auth
