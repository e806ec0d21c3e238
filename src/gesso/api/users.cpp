// The caller as a user: the profile, the password and the second factor, leaving.
#include "gesso/api/account_calls.hpp"
#include "gesso/api/operations.hpp"
#include "gesso/domain/account_deletion.hpp"
#include "gesso/domain/passwords.hpp"
#include "gesso/domain/registration.hpp"
#include "gesso/domain/second_factor.hpp"
#include "gesso/repositories/user_repository.hpp"

namespace gesso::api {

struct UpdateMe {
  models::ProfileUpdate body;
};
GESSO_FIELDS(UpdateMe, (body, "What changes."))

struct ChangeEmailRequest {
  schema::Email email;
  std::optional<std::string> password = {};
  std::optional<std::string> code = {};

  static constexpr std::string_view kName = "ChangeEmailRequest";
};
GESSO_FIELDS(ChangeEmailRequest, (email, "The new address."),
             (password, schema::field_about<&ProofRequest::password>),
             (code, schema::field_about<&ProofRequest::code>))

struct ChangeEmail {
  ChangeEmailRequest body;
};
GESSO_FIELDS(ChangeEmail, (body, "The new address."))

struct ChangePasswordRequest {
  schema::Password new_password;
  std::optional<std::string> password = {};
  std::optional<std::string> code = {};

  static constexpr std::string_view kName = "ChangePasswordRequest";
};
GESSO_FIELDS(ChangePasswordRequest, (new_password, "8 to 256 characters."),
             (password, "The password until now, where there is one."),
             (code, schema::field_about<&ProofRequest::code>))

struct ChangePassword {
  ChangePasswordRequest body;
};
GESSO_FIELDS(ChangePassword, (body, "The new password."))

struct Proven {
  ProofRequest body;
};
GESSO_FIELDS(Proven, (body, "That the one who is logged in is there."))

struct TotpEnrolment {
  std::string secret;
  std::string uri;

  static constexpr std::string_view kName = "TotpEnrolment";
};
GESSO_FIELDS(TotpEnrolment, (secret, "For the authenticator program, in base32."),
             (uri, "The same for a QR code."))

struct TotpCodeRequest {
  std::string code;

  static constexpr std::string_view kName = "TotpCodeRequest";
};
GESSO_FIELDS(TotpCodeRequest, (code, "What the authenticator program shows."))

struct ConfirmTotp {
  TotpCodeRequest body;
};
GESSO_FIELDS(ConfirmTotp, (body, "The first code."))

struct RecoveryCodes {
  std::vector<std::string> codes;

  static constexpr std::string_view kName = "RecoveryCodes";
  static constexpr std::string_view kAbout =
      "Each replaces the second factor once. They are shown this once.";
};
GESSO_FIELDS(RecoveryCodes, (codes, "To be kept apart from the telephone."))

namespace {

using SecondFactorIsOn = Problem<409, "second_factor_is_on", "There is a second factor">;
using NoSecondFactor = Problem<409, "no_second_factor", "There is no second factor">;
using WrongCode = Problem<400, "wrong_code", "The code is wrong">;

NotFound deleted() { return {.detail = "The user was deleted"}; }

Result<models::User, NotFound> get_me(ReadCall& call, const NoInput&) {
  auto user = call.make<repositories::UserRepository>().find_by_id(call.user_id());
  if (!user) return deleted();
  return *std::move(user);
}

Result<models::User, NotFound> update_me(DatabaseCall& call, const UpdateMe& asked) {
  auto user = call.make<repositories::UserRepository>().update_profile(call.user_id(), asked.body);
  if (!user) return deleted();
  return *std::move(user);
}

Result<Acknowledgement, WrongProof, TooManyAttempts> change_email(HashingCall& call,
                                                                  const ChangeEmail& asked) {
  const auto outcome = domain::request_email_change(call.services.accounts, runner_of(call),
                                                    requester_of(call), asked.body.email,
                                                    proof_of(asked.body.password, asked.body.code));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::NotProven>(outcome)) return wrong_proof();
  return Acknowledgement{"The address changes once it is confirmed; a mail is on its way"};
}

Result<NoContent, WrongProof, TooManyAttempts> change_password(HashingCall& call,
                                                               const ChangePassword& asked) {
  const auto outcome = domain::change_password(
      call.services.accounts, runner_of(call), requester_of(call),
      proof_of(asked.body.password, asked.body.code), asked.body.new_password);
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::NotProven>(outcome)) return wrong_proof();
  return NoContent{};
}

Result<TotpEnrolment, NotFound, SecondFactorIsOn, WrongProof, TooManyAttempts> begin_totp(
    HashingCall& call, const Proven& asked) {
  const auto outcome =
      domain::begin_totp(call.services.accounts, runner_of(call), requester_of(call),
                         proof_of(asked.body.password, asked.body.code));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::NotProven>(outcome)) return wrong_proof();
  if (std::holds_alternative<domain::SecondFactorNotOffered>(outcome)) {
    return NotFound{.detail = "Second factors are not set up here"};
  }
  if (std::holds_alternative<domain::SecondFactorIsOn>(outcome)) {
    return SecondFactorIsOn{.detail = "Take it away first"};
  }
  const auto& begun = std::get<domain::TotpEnrolment>(outcome);
  return TotpEnrolment{.secret = begun.secret, .uri = begun.uri};
}

Result<RecoveryCodes, WrongCode, NoSecondFactor, SecondFactorIsOn, TooManyAttempts> confirm_totp(
    DatabaseCall& call, const ConfirmTotp& asked) {
  const auto outcome = domain::confirm_totp(call.services.accounts, call.session,
                                            requester_of(call), asked.body.code);
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::WrongCode>(outcome)) {
    return WrongCode{.detail = "The code is not that of these 30 seconds"};
  }
  if (std::holds_alternative<domain::NoSecondFactor>(outcome)) {
    return NoSecondFactor{.detail = "None was begun"};
  }
  if (std::holds_alternative<domain::SecondFactorIsOn>(outcome)) {
    return SecondFactorIsOn{.detail = "It is confirmed already"};
  }
  return RecoveryCodes{std::get<domain::RecoveryCodes>(outcome).codes};
}

Result<NoContent, NoSecondFactor, WrongProof, TooManyAttempts> disable_totp(HashingCall& call,
                                                                            const Proven& asked) {
  const auto outcome =
      domain::disable_totp(call.services.accounts, runner_of(call), requester_of(call),
                           proof_of(asked.body.password, asked.body.code));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::NotProven>(outcome)) return wrong_proof();
  if (std::holds_alternative<domain::NoSecondFactor>(outcome)) {
    return NoSecondFactor{.detail = "There is none to take away"};
  }
  return NoContent{};
}

Result<RecoveryCodes, NoSecondFactor, WrongProof, TooManyAttempts> renew_recovery_codes(
    HashingCall& call, const Proven& asked) {
  const auto outcome =
      domain::renew_recovery_codes(call.services.accounts, runner_of(call), requester_of(call),
                                   proof_of(asked.body.password, asked.body.code));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::NotProven>(outcome)) return wrong_proof();
  if (std::holds_alternative<domain::NoSecondFactor>(outcome)) {
    return NoSecondFactor{.detail = "There is none that they could replace"};
  }
  return RecoveryCodes{std::get<domain::RecoveryCodes>(outcome).codes};
}

Result<Content, NotFound> export_me(DatabaseCall& call, const NoInput&) {
  Content content{.type = "application/json", .body = {}};
  const bool there =
      domain::export_account(call.session, call.services.repository_context, call.user_id(),
                             [&](std::string_view piece) { content.body += piece; });
  if (!there) return deleted();
  return content;
}

Result<NoContent, WrongProof, TooManyAttempts> delete_me(HashingCall& call, const Proven& asked) {
  const auto outcome =
      domain::delete_account(call.services.accounts, runner_of(call), requester_of(call),
                             proof_of(asked.body.password, asked.body.code));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::NotProven>(outcome)) return wrong_proof();
  return NoContent{};
}

constexpr Operation kOperations[] = {
    operation<get_me>({.path = "/api/v1/users/me",
                       .id = "getMe",
                       .tag = "Users",
                       .summary = "The caller's profile and credits.",
                       .scope = Scope::kAccountRead}),
    operation<update_me>({.method = http::Method::kPatch,
                          .path = "/api/v1/users/me",
                          .id = "updateMe",
                          .tag = "Users",
                          .summary = "Change the caller's profile.",
                          .scope = Scope::kAccountWrite,
                          .limit = LimitClass::kWrite}),
    operation<change_email>({.method = http::Method::kPost,
                             .path = "/api/v1/users/me/email",
                             .id = "changeEmail",
                             .tag = "Users",
                             .summary = "Change the caller's email, once it is confirmed.",
                             .scope = Scope::kAccountWrite,
                             .limit = LimitClass::kLogin,
                             .status = 202}),
    operation<change_password>({.method = http::Method::kPost,
                                .path = "/api/v1/users/me/password",
                                .id = "changePassword",
                                .tag = "Users",
                                .summary = "Set a new password and end the other sessions.",
                                .scope = Scope::kAccountWrite,
                                .limit = LimitClass::kLogin,
                                .status = 204}),
    operation<begin_totp>({.method = http::Method::kPost,
                           .path = "/api/v1/users/me/totp",
                           .id = "beginTotp",
                           .tag = "Users",
                           .summary = "Make the secret of a second factor.",
                           .scope = Scope::kAccountWrite,
                           .limit = LimitClass::kLogin,
                           .status = 201}),
    operation<confirm_totp>({.method = http::Method::kPost,
                             .path = "/api/v1/users/me/totp/confirm",
                             .id = "confirmTotp",
                             .tag = "Users",
                             .summary = "Turn the second factor on with its first code.",
                             .scope = Scope::kAccountWrite,
                             .limit = LimitClass::kLogin}),
    operation<disable_totp>({.method = http::Method::kPost,
                             .path = "/api/v1/users/me/totp/disable",
                             .id = "disableTotp",
                             .tag = "Users",
                             .summary = "Turn the second factor off.",
                             .scope = Scope::kAccountWrite,
                             .limit = LimitClass::kLogin,
                             .status = 204}),
    operation<renew_recovery_codes>({.method = http::Method::kPost,
                                     .path = "/api/v1/users/me/recovery-codes",
                                     .id = "renewRecoveryCodes",
                                     .tag = "Users",
                                     .summary = "Replace all recovery codes.",
                                     .scope = Scope::kAccountWrite,
                                     .limit = LimitClass::kLogin}),
    operation<export_me>({.path = "/api/v1/users/me/export",
                          .id = "exportMe",
                          .tag = "Users",
                          .summary = "All that is kept of the caller, as one JSON document.",
                          .scope = Scope::kAccountRead,
                          .limit = LimitClass::kLogin,
                          .media_type = "application/json"}),
    operation<delete_me>({.method = http::Method::kPost,
                          .path = "/api/v1/users/me/delete",
                          .id = "deleteMe",
                          .tag = "Users",
                          .summary = "Delete the caller's account and all that is kept of it.",
                          .scope = Scope::kAccountWrite,
                          .limit = LimitClass::kLogin,
                          .status = 204}),
};

}  // namespace

Operations user_operations() { return kOperations; }

}  // namespace gesso::api
