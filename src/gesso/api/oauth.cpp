// Sign-in with another provider's account. The browser is sent to the provider, and comes back with
// a code for a session of ours; between the two it keeps what the attempt is known by in a cookie.
#include <spdlog/spdlog.h>

#include "gesso/api/operations.hpp"
#include "gesso/api/sign_in_calls.hpp"
#include "gesso/domain/identities.hpp"
#include "gesso/domain/oauth/used_attempts.hpp"

namespace gesso::api {

using domain::oauth::ProviderKind;

struct StartSignIn {
  ProviderKind provider{};
};
GESSO_FIELDS(StartSignIn, (provider, "With whose account."))

struct FinishSignIn {
  ProviderKind provider{};
  std::optional<std::string> code = {};
  std::optional<std::string> state = {};
  std::optional<std::string> iss = {};
  std::optional<std::string> error = {};
  std::optional<std::string> cookie = {};
};
GESSO_FIELDS(FinishSignIn, (provider, "With whose account."),
             (code, "What the provider gave, to be exchanged."),
             (state, "What the provider was sent."),
             (iss, "Who the provider is, where it says so (RFC 9207)."),
             (error, "What the provider refused."), (cookie, "With what `start` set.", kFromHeader))

struct SignInRefused : Problem<400, "sign_in_refused", "The sign-in was refused"> {
  domain::oauth::RefusalReason reason{};

  static constexpr std::string_view kName = "SignInRefused";
};
GESSO_FIELDS(SignInRefused,
             (reason,
              "`cancelled` by the person; `not_begun` by this browser, or too long ago; the "
              "`code` is not good any more; the `provider` said what cannot be accepted."))

namespace {

using IdentityTaken = Problem<409, "identity_taken", "The provider's account logs another user in">;
using ProviderIsLinked =
    Problem<409, "provider_linked", "Another account of that provider is linked">;
using NoEmail = Problem<403, "email_not_verified", "The provider vouches for no email">;

domain::ProviderIdentity identity_of(const domain::oauth::Profile& profile) {
  domain::ProviderIdentity identity{.provider = auth_provider(profile.provider),
                                    .subject = domain::oauth::account_key(profile)};
  if (profile.email_verified) identity.email = schema::Email::parse(profile.email);
  if (!models::FullName::check(profile.name)) identity.full_name = profile.name;
  return identity;
}

SignInRefused refused(const Call& call, ProviderKind provider,
                      const domain::oauth::Refusal& refusal) {
  spdlog::warn("{}: sign-in with {} refused: {} ({})", call.request_id, to_string(provider),
               describe(refusal.reason), refusal.detail);
  SignInRefused problem;
  problem.detail = describe(refusal.reason);
  problem.reason = refusal.reason;
  return problem;
}

Result<Redirect, NotFound> start_sign_in(OutgoingCall& call, const StartSignIn& asked) {
  auto* sign_in = sign_in_with(call, asked.provider);
  if (sign_in == nullptr) return not_offered(asked.provider);
  const auto begun = sign_in->begin(asked.provider, redirect_uri(call, asked.provider),
                                    {.deadline = call.deadline});
  return Redirect{.location = begun.url, .cookie = sign_in_cookie(begun.cookie)};
}

using Linked = Alternative<201, LoginProvider, "Linked to the account that asked for it.">;
using FinishedSignIn = Result<TokenPair, Linked, NotFound, SignInRefused, SecondFactorRequired,
                              WrongLogin, EmailTaken, IdentityTaken, ProviderIsLinked, NoEmail>;

FinishedSignIn finish_link(OutgoingCall& call, const domain::Requester& requester,
                           const domain::ProviderIdentity& identity) {
  const auto linked = call.run([&](mongo::Session& session) {
    return domain::link_identity(call.services.accounts, session, requester, identity);
  });
  if (std::holds_alternative<domain::IdentityTaken>(linked)) {
    return IdentityTaken{.detail = "That account logs another user in"};
  }
  if (std::holds_alternative<domain::ProviderIsLinked>(linked)) {
    return ProviderIsLinked{.detail = "Unlink the other account of that provider first"};
  }
  if (std::holds_alternative<domain::NoSuchUser>(linked)) {
    return WrongLogin{.detail = "The login that began this has ended"};
  }
  const auto providers = call.run([&](mongo::Session& session) {
    return domain::list_login_providers(call.services.accounts, session, requester.user_id);
  });
  Linked answer{{.provider = identity.provider}};
  for (const domain::LoginProvider& one :
       providers.value_or(std::vector<domain::LoginProvider>())) {
    if (one.provider == identity.provider) answer.value = view_of(one);
  }
  return answer;
}

FinishedSignIn finish_sign_in(OutgoingCall& call, const FinishSignIn& asked) {
  auto* sign_in = sign_in_with(call, asked.provider);
  if (sign_in == nullptr) return not_offered(asked.provider);
  const auto first_use = [&](const domain::oauth::Attempt& attempt) {
    return call.run([&](mongo::Session& session) {
      return domain::oauth::use_attempt(session, call.services.repository_context, attempt);
    });
  };
  const auto outcome = sign_in->finish(
      asked.provider,
      {.code = asked.code, .state = asked.state, .issuer = asked.iss, .error = asked.error},
      asked.cookie ? find_cookie(*asked.cookie, kSignInCookie) : std::nullopt,
      {.deadline = call.deadline}, first_use);
  if (const auto* refusal = std::get_if<domain::oauth::Refusal>(&outcome)) {
    return refused(call, asked.provider, *refusal);
  }
  const auto& profile = std::get<domain::oauth::Profile>(outcome);
  const auto identity = identity_of(profile);
  if (const auto requester = requester_of(profile.begun_for, call)) {
    return finish_link(call, *requester, identity);
  }
  const auto login = call.run([&](mongo::Session& session) {
    return domain::log_in_by_provider(call.services.accounts, session, identity, client_of(call));
  });
  if (const auto* needed = std::get_if<domain::SecondFactorNeeded>(&login)) {
    return second_factor_required(*needed);
  }
  if (std::holds_alternative<domain::WrongCredentials>(login)) {
    return WrongLogin{.detail = "The account cannot log in"};
  }
  if (std::holds_alternative<domain::NotLinked>(login)) {
    return EmailTaken{.detail = "An account has this email: log in there as before, and link it"};
  }
  if (std::holds_alternative<domain::NoEmail>(login)) {
    return NoEmail{.detail = "A new account needs an email that the provider vouches for"};
  }
  return token_pair(call, std::get<domain::SignedIn>(login));
}

constexpr Operation kOperations[] = {
    operation<start_sign_in>(
        {.path = "/api/v1/auth/oauth/{provider}/start",
         .id = "startSignIn",
         .tag = "Sign-in",
         .summary = "Send the browser to a provider, to sign in with an account there.",
         .access = Access::kPublic,
         .limit = LimitClass::kLogin}),
    operation<finish_sign_in>(
        {.path = "/api/v1/auth/oauth/{provider}/callback",
         .id = "finishSignIn",
         .tag = "Sign-in",
         .summary = "Where a provider sends the browser back to: an account signs in, or is made.",
         .description =
             "Where the attempt was begun by `linkIdentity`, the provider's account is "
             "linked in place of that, and no session is opened. A `state` is good once.",
         .access = Access::kPublic,
         .limit = LimitClass::kLogin,
         .used_cookie = kSignInCookie}),
};

}  // namespace

Operations oauth_operations() { return kOperations; }

}  // namespace gesso::api
