// Making an account, logging in, and what is mailed.
#include "gesso/api/account_calls.hpp"
#include "gesso/api/operations.hpp"
#include "gesso/base/error.hpp"
#include "gesso/domain/passwords.hpp"
#include "gesso/domain/registration.hpp"
#include "gesso/domain/sign_in.hpp"
#include "gesso/models/user.hpp"

namespace gesso::api {

struct RegisterRequest {
  schema::Email email;
  schema::Password password;
  std::optional<models::FullName> full_name = {};

  static constexpr std::string_view kName = "RegisterRequest";
  static constexpr std::string_view kAbout = "A new account.";
  static constexpr std::string_view kExample =
      R"({"email": "ann@example.com", "password": "a lighthouse at dusk", "full_name": "Ann"})";
};
GESSO_FIELDS(RegisterRequest, (email, schema::field_about<&models::UserCreate::email>),
             (password, "8 to 256 characters."),
             (full_name, schema::field_about<&models::UserCreate::full_name>))

struct Register {
  RegisterRequest body;
};
GESSO_FIELDS(Register, (body, "Who registers."))

struct LoginRequest {
  schema::Email email;
  std::string password;  // any text: one that no user can have is merely wrong

  static constexpr std::string_view kName = "LoginRequest";
  static constexpr std::string_view kExample =
      R"({"email": "ann@example.com", "password": "a lighthouse at dusk"})";
};
GESSO_FIELDS(LoginRequest, (email, "The login name."), (password, "The password."))

struct Login {
  LoginRequest body;
};
GESSO_FIELDS(Login, (body, "Who logs in."))

struct LoginCodeRequest {
  std::string challenge;
  std::string code;

  static constexpr std::string_view kName = "LoginCodeRequest";
};
GESSO_FIELDS(LoginCodeRequest, (challenge, "Of the login that asked for a code."),
             (code, "Of the authenticator program, or a recovery code."))

struct LoginCode {
  LoginCodeRequest body;
};
GESSO_FIELDS(LoginCode, (body, "The second step of a login."))

struct RefreshTokenRequest {
  std::string refresh_token;

  static constexpr std::string_view kName = "RefreshTokenRequest";
};
GESSO_FIELDS(RefreshTokenRequest, (refresh_token, "The last one that was issued."))

struct RefreshTokenInput {
  RefreshTokenRequest body;
};
GESSO_FIELDS(RefreshTokenInput, (body, "Which session."))

struct MailedTokenRequest {
  std::string token;

  static constexpr std::string_view kName = "MailedTokenRequest";
};
GESSO_FIELDS(MailedTokenRequest, (token, "What was mailed."))

struct ConfirmEmail {
  MailedTokenRequest body;
};
GESSO_FIELDS(ConfirmEmail, (body, "What was mailed."))

struct EmailRequest {
  schema::Email email;

  static constexpr std::string_view kName = "EmailRequest";
};
GESSO_FIELDS(EmailRequest, (email, "The login name."))

struct EmailInput {
  EmailRequest body;
};
GESSO_FIELDS(EmailInput, (body, "Whom to mail."))

struct ResetPasswordRequest {
  std::string token;
  schema::Password new_password;

  static constexpr std::string_view kName = "ResetPasswordRequest";
};
GESSO_FIELDS(ResetPasswordRequest, (token, "What was mailed."),
             (new_password, "8 to 256 characters."))

struct ResetPassword {
  ResetPasswordRequest body;
};
GESSO_FIELDS(ResetPassword, (body, "The new password."))

namespace {

// Where a setting says that nobody is told which addresses are taken.
using RegistrationMailed =
    Alternative<202, Acknowledgement, "Taken; the rest is in the mail to that address.">;
using EmailNotConfirmed = Problem<403, "email_not_confirmed", "The email is not confirmed">;
using InvalidRefreshToken = Problem<401, "invalid_refresh_token", "The session has ended">;

Result<models::User, RegistrationMailed, EmailTaken, TooManyAttempts> register_user(
    HashingCall& call, const Register& asked) {
  const RegisterRequest& wanted = asked.body;
  auto outcome = domain::register_account(call.services.accounts, runner_of(call),
                                          {.email = wanted.email,
                                           .password = schema::Password(wanted.password.reveal()),
                                           .full_name = wanted.full_name},
                                          client_of(call));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::EmailTaken>(outcome)) {
    return EmailTaken{.detail = "There is a user with this email already"};
  }
  if (std::holds_alternative<domain::Accepted>(outcome)) {
    return RegistrationMailed{{"Look into the mail of that address"}};
  }
  auto& user = std::get<models::User>(outcome);
  call.is_for(user.id);
  return std::move(user);
}

Result<TokenPair, WrongLogin, SecondFactorRequired, EmailNotConfirmed, TooManyAttempts> log_in(
    HashingCall& call, const Login& asked) {
  const auto outcome =
      domain::log_in(call.services.accounts, runner_of(call), asked.body.email,
                     Secret(std::string_view(asked.body.password)), client_of(call));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::EmailNotConfirmed>(outcome)) {
    return EmailNotConfirmed{.detail = "Confirm the address first; the token was mailed"};
  }
  if (const auto* needed = std::get_if<domain::SecondFactorNeeded>(&outcome)) {
    return second_factor_required(*needed);
  }
  if (const auto* login = std::get_if<domain::SignedIn>(&outcome)) return token_pair(call, *login);
  return WrongLogin{.detail = "The email or the password is wrong"};
}

Result<TokenPair, WrongLogin, TooManyAttempts> log_in_with_code(DatabaseCall& call,
                                                                const LoginCode& asked) {
  const auto outcome = domain::log_in_with_code(
      call.services.accounts, call.session, asked.body.challenge, asked.body.code, client_of(call));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (const auto* login = std::get_if<domain::SignedIn>(&outcome)) return token_pair(call, *login);
  return WrongLogin{.detail = "The code is wrong or was used, or the challenge has ended"};
}

Result<TokenPair, InvalidRefreshToken, TooManyAttempts> refresh(DatabaseCall& call,
                                                                const RefreshTokenInput& asked) {
  const auto outcome = domain::refresh(call.services.accounts, call.session,
                                       asked.body.refresh_token, client_of(call));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (const auto* login = std::get_if<domain::SignedIn>(&outcome)) return token_pair(call, *login);
  return InvalidRefreshToken{.detail = "Log in again"};
}

Result<NoContent> revoke(DatabaseCall& call, const RefreshTokenInput& asked) {
  domain::log_out(call.services.accounts, call.session, asked.body.refresh_token);
  return NoContent{};
}

Result<NoContent> log_out(DatabaseCall& call, const NoInput&) {
  if (const auto session_id = models::SessionId::parse(call.caller().session_id)) {
    domain::end_session(call.services.accounts, call.session, call.user_id(), *session_id);
  }
  return NoContent{};
}

Result<NoContent, InvalidToken, EmailTaken, TooManyAttempts> confirm_email(
    DatabaseCall& call, const ConfirmEmail& asked) {
  const auto outcome = domain::confirm_email(call.services.accounts, call.session, asked.body.token,
                                             client_of(call));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::EmailTaken>(outcome)) {
    return EmailTaken{.detail = "There is another user with this email by now"};
  }
  if (std::holds_alternative<domain::TokenRefused>(outcome)) {
    return InvalidToken{.detail = "The token is not good, or has ended"};
  }
  return NoContent{};
}

Result<Acknowledgement, TooManyAttempts> resend_confirmation(DatabaseCall& call,
                                                             const EmailInput& asked) {
  const auto outcome = domain::resend_confirmation(call.services.accounts, call.session,
                                                   asked.body.email, client_of(call));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  return Acknowledgement{"If this address waits to be confirmed, a mail is on its way"};
}

Result<Acknowledgement, TooManyAttempts> forgot_password(DatabaseCall& call,
                                                         const EmailInput& asked) {
  const auto outcome = domain::request_password_reset(call.services.accounts, call.session,
                                                      asked.body.email, client_of(call));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  return Acknowledgement{"If there is a user with this address, a mail is on its way"};
}

Result<NoContent, InvalidToken, TooManyAttempts> reset_password(HashingCall& call,
                                                                const ResetPassword& asked) {
  const auto outcome =
      domain::reset_password(call.services.accounts, runner_of(call), asked.body.token,
                             asked.body.new_password, client_of(call));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::TokenRefused>(outcome)) {
    return InvalidToken{.detail = "The token is not good, was used, or has ended"};
  }
  return NoContent{};
}

constexpr Operation kOperations[] = {
    operation<register_user>({.method = http::Method::kPost,
                              .path = "/api/v1/auth/register",
                              .id = "register",
                              .tag = "Accounts",
                              .summary = "Make an account with an email and a password.",
                              .description = "Where the service hides which emails are taken "
                                             "(`hide_taken_email`), the answer is 202 for every "
                                             "email, and 201 and 409 never come.",
                              .access = Access::kPublic,
                              .limit = LimitClass::kLogin,
                              .status = 201,
                              .location = "/api/v1/users/me"}),
    operation<confirm_email>({.method = http::Method::kPost,
                              .path = "/api/v1/auth/verify-email",
                              .id = "verifyEmail",
                              .tag = "Accounts",
                              .summary = "Confirm an email with what was mailed to it.",
                              .access = Access::kPublic,
                              .limit = LimitClass::kLogin,
                              .status = 204}),
    operation<resend_confirmation>({.method = http::Method::kPost,
                                    .path = "/api/v1/auth/resend-verification",
                                    .id = "resendVerification",
                                    .tag = "Accounts",
                                    .summary = "Mail once more what confirms an email.",
                                    .access = Access::kPublic,
                                    .limit = LimitClass::kLogin,
                                    .status = 202}),
    operation<log_in>({.method = http::Method::kPost,
                       .path = "/api/v1/auth/login",
                       .id = "login",
                       .tag = "Accounts",
                       .summary = "Open a session with an email and its password.",
                       .access = Access::kPublic,
                       .limit = LimitClass::kLogin}),
    operation<log_in_with_code>({.method = http::Method::kPost,
                                 .path = "/api/v1/auth/login/code",
                                 .id = "loginWithCode",
                                 .tag = "Accounts",
                                 .summary = "Open a session with the code that a login asked for.",
                                 .access = Access::kPublic,
                                 .limit = LimitClass::kLogin}),
    operation<refresh>({.method = http::Method::kPost,
                        .path = "/api/v1/auth/refresh",
                        .id = "refresh",
                        .tag = "Accounts",
                        .summary = "Get the next tokens of a session.",
                        .description = "A refresh token is good once. Using it again later than "
                                       "some seconds after ends the session.",
                        .access = Access::kPublic,
                        .limit = LimitClass::kLogin}),
    operation<log_out>({.method = http::Method::kPost,
                        .path = "/api/v1/auth/logout",
                        .id = "logout",
                        .tag = "Accounts",
                        .summary = "End the session of the access token that is shown.",
                        .scope = Scope::kAccountWrite,
                        .limit = LimitClass::kWrite,
                        .status = 204}),
    operation<revoke>({.method = http::Method::kPost,
                       .path = "/api/v1/auth/revoke",
                       .id = "revoke",
                       .tag = "Accounts",
                       .summary = "End the session of a refresh token.",
                       .access = Access::kPublic,
                       .limit = LimitClass::kLogin,
                       .status = 204}),
    operation<forgot_password>({.method = http::Method::kPost,
                                .path = "/api/v1/auth/forgot-password",
                                .id = "forgotPassword",
                                .tag = "Accounts",
                                .summary = "Mail what sets a new password.",
                                .access = Access::kPublic,
                                .limit = LimitClass::kLogin,
                                .status = 202}),
    operation<reset_password>({.method = http::Method::kPost,
                               .path = "/api/v1/auth/reset-password",
                               .id = "resetPassword",
                               .tag = "Accounts",
                               .summary = "Set a new password with what was mailed.",
                               .access = Access::kPublic,
                               .limit = LimitClass::kLogin,
                               .status = 204}),
};

}  // namespace

Operations account_operations() { return kOperations; }

}  // namespace gesso::api
