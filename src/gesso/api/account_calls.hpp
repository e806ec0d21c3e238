// What the operations on accounts have in common: how a call becomes what domain/ asks for, and the
// problems that several of them name. Functions and value types; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gesso/api/operation.hpp"
#include "gesso/domain/account_services.hpp"
#include "gesso/domain/reauthentication.hpp"
#include "gesso/domain/sign_in.hpp"

namespace gesso::api {

using TooManyAttempts = Problem<429, "too_many_attempts", "Too many attempts">;
using WrongLogin = Problem<401, "unauthorized", "Unauthorized">;
using WrongProof = Problem<403, "reauthentication_failed", "The password or the code is wrong">;
using LoginRequired = Problem<403, "login_required", "An API key may not do this">;
using InvalidToken = Problem<400, "invalid_token", "The token is not good">;
using EmailTaken = Problem<409, "email_taken", "This email is taken">;

[[nodiscard]] inline TooManyAttempts too_many(const domain::TooManyAttempts& refusal) {
  return {.detail = "Too many attempts; try again later", .retry_after = refusal.retry_after};
}
[[nodiscard]] inline WrongProof wrong_proof() {
  return {.detail = "Show the password, or a code of the second factor where there is no password"};
}

[[nodiscard]] inline LoginRequired login_required() {
  return {.detail = "Log in, and show the access token of the session"};
}

// It was taken, and the answer would be the same if nothing came of it.
struct Acknowledgement {
  std::string message;

  static constexpr std::string_view kName = "Acknowledgement";
};
GESSO_FIELDS(Acknowledgement, (message, "For people."))

// What later requests show, and what yields the next of these.
struct TokenPair {
  std::string access_token;
  std::string token_type;
  std::int64_t expires_in = 0;
  std::string refresh_token;
  Time refresh_expires_at;
  models::SessionId session_id;

  static constexpr std::string_view kName = "TokenPair";
  static constexpr std::string_view kAbout =
      "What later requests show, and what yields the next one of these.";
};
GESSO_FIELDS(TokenPair, (access_token, "For `Authorization: Bearer ...`."),
             (token_type, "`bearer`."), (expires_in, "Seconds until the access token ends."),
             (refresh_token, "Good once, for `POST /api/v1/auth/refresh`."),
             (refresh_expires_at, "When the session ends."), (session_id, "The session."))

[[nodiscard]] inline TokenPair token_pair(const Call& call, const domain::SignedIn& login) {
  call.is_for(login.user_id);
  return {.access_token = login.access_token,
          .token_type = "bearer",
          .expires_in = login.access_lifetime.count(),
          .refresh_token = login.session.refresh_token,
          .refresh_expires_at = login.session.expires_at,
          .session_id = login.session.session_id};
}

// The password was right; what else is asked for.
struct SecondFactorRequired
    : Problem<403, "second_factor_required", "A code of the second factor is asked for"> {
  std::string challenge = {};
  std::int64_t expires_in = 0;

  static constexpr std::string_view kName = "SecondFactorRequired";
};
GESSO_FIELDS(SecondFactorRequired, (challenge, "For `POST /api/v1/auth/login/code`."),
             (expires_in, "Seconds until it ends."))

[[nodiscard]] inline SecondFactorRequired second_factor_required(
    const domain::SecondFactorNeeded& needed) {
  SecondFactorRequired problem;
  problem.detail = "Send the code and this challenge to /api/v1/auth/login/code";
  problem.challenge = needed.challenge;
  problem.expires_in = needed.lifetime.count();
  return problem;
}

// That the one who is logged in is there.
struct ProofRequest {
  std::optional<std::string> password = {};
  std::optional<std::string> code = {};

  static constexpr std::string_view kName = "ProofRequest";
  static constexpr std::string_view kAbout = "That the one who is logged in is there.";
};
GESSO_FIELDS(ProofRequest, (password, "The password, where there is one."),
             (code, "A code of the second factor, where there is no password."))

[[nodiscard]] inline domain::Proof proof_of(const std::optional<std::string>& password,
                                            const std::optional<std::string>& code) {
  return {.password = Secret(std::string_view(password ? *password : "")),
          .code = code.value_or("")};
}

[[nodiscard]] inline domain::ClientInfo client_of(const Call& call) {
  return {.address = call.client.address, .user_agent = call.client.user_agent};
}

[[nodiscard]] inline domain::Requester requester_of(const Call& call) {
  return {.user_id = call.user_id(),
          .session_id = models::SessionId::parse(call.caller().session_id),
          .client = client_of(call)};
}

// Lives no longer than the call.
[[nodiscard]] inline domain::RunUnit runner_of(const PooledCall& call) {
  return [&call](const domain::Unit& unit) {
    call.run([&](mongo::Session& session) { unit(session); });
  };
}

}  // namespace gesso::api
