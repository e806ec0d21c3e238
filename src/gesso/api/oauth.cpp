// Sign-in with another provider's account. The browser is sent to the provider, and comes back with
// a code for a session of ours; between the two it keeps what the attempt is known by in a cookie.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "gesso/api/account_calls.hpp"
#include "gesso/api/operations.hpp"
#include "gesso/domain/oauth/sign_in.hpp"

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

using NoEmail = Problem<403, "email_not_verified", "The provider vouches for no email">;

// With this prefix a browser takes the cookie over https alone, and from this very host: no other
// host of the domain can plant the cookie of an attempt of its own (RFC 6265bis, 4.1.3.2).
constexpr std::string_view kCookie = "__Host-gesso-sign-in";

std::string cookie(std::string_view value, std::chrono::seconds lifetime) {
  return std::string(kCookie) + "=" + std::string(value) +
         "; Max-Age=" + std::to_string(lifetime.count()) +
         "; Path=/; Secure; HttpOnly; SameSite=Lax";
}

// The value of our cookie in the header's "a=1; b=2".
std::optional<std::string_view> find_cookie(std::string_view header) {
  while (!header.empty()) {
    std::string_view pair = header.substr(0, header.find(';'));
    header.remove_prefix(std::min(pair.size() + 1, header.size()));
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    if (pair.starts_with(kCookie) && pair.substr(kCookie.size()).starts_with('=')) {
      return pair.substr(kCookie.size() + 1);
    }
  }
  return std::nullopt;
}

domain::oauth::SignIn* sign_in_with(const Call& call, ProviderKind provider) {
  auto* sign_in = call.services.sign_in;
  return sign_in != nullptr && sign_in->offers(provider) ? sign_in : nullptr;
}

NotFound not_offered(ProviderKind provider) {
  return {.detail = "Sign-in with " + std::string(to_string(provider)) + " is not set up here"};
}

std::string redirect_uri(const Call& call, ProviderKind provider) {
  std::string uri = call.services.sign_in_redirect_uri;
  constexpr std::string_view kName = "{provider}";
  const std::size_t at = uri.find(kName);
  if (at != std::string::npos) uri.replace(at, kName.size(), to_string(provider));
  return uri;
}

models::AuthProvider auth_provider(ProviderKind provider) {
  switch (provider) {
    case ProviderKind::kGoogle:
      return models::AuthProvider::kGoogle;
    case ProviderKind::kMicrosoft:
      return models::AuthProvider::kMicrosoft;
    case ProviderKind::kGithub:
      return models::AuthProvider::kGithub;
  }
  return models::AuthProvider::kGoogle;
}

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
  return Redirect{.location = begun.url,
                  .cookies = {cookie(begun.cookie, domain::oauth::kAttemptLifetime)}};
}

Result<WithCookies<TokenPair>, NotFound, SignInRefused, SecondFactorRequired, WrongLogin,
       EmailTaken, NoEmail>
finish_sign_in(OutgoingCall& call, const FinishSignIn& asked) {
  auto* sign_in = sign_in_with(call, asked.provider);
  if (sign_in == nullptr) return not_offered(asked.provider);
  const auto outcome = sign_in->finish(
      asked.provider,
      {.code = asked.code, .state = asked.state, .issuer = asked.iss, .error = asked.error},
      asked.cookie ? find_cookie(*asked.cookie) : std::nullopt, {.deadline = call.deadline});
  if (const auto* refusal = std::get_if<domain::oauth::Refusal>(&outcome)) {
    return refused(call, asked.provider, *refusal);
  }
  const auto identity = identity_of(std::get<domain::oauth::Profile>(outcome));
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
    return EmailTaken{.detail = "An account has this email: log in there as before"};
  }
  if (std::holds_alternative<domain::NoEmail>(login)) {
    return NoEmail{.detail = "A new account needs an email that the provider vouches for"};
  }
  return WithCookies<TokenPair>{.value = token_pair(std::get<domain::SignedIn>(login)),
                                .cookies = {cookie("", std::chrono::seconds{0})}};
}

constexpr Operation kOperations[] = {
    operation<start_sign_in>(
        {.path = "/api/v1/auth/oauth/{provider}/start",
         .id = "startSignIn",
         .tag = "Accounts",
         .summary = "Send the browser to a provider, to sign in with an account there.",
         .access = Access::kPublic,
         .limit = LimitClass::kLogin}),
    operation<finish_sign_in>(
        {.path = "/api/v1/auth/oauth/{provider}/callback",
         .id = "finishSignIn",
         .tag = "Accounts",
         .summary = "Where a provider sends the browser back to: an account signs in, or is made.",
         .access = Access::kPublic,
         .limit = LimitClass::kLogin}),
};

}  // namespace

Operations oauth_operations() { return kOperations; }

}  // namespace gesso::api
