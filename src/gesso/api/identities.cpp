// The providers whose accounts log the caller in.
#include "gesso/domain/identities.hpp"

#include "gesso/api/operations.hpp"
#include "gesso/api/sign_in_calls.hpp"

namespace gesso::api {

using domain::oauth::ProviderKind;

struct OneIdentity {
  ProviderKind provider{};
  ProofRequest body;
};
GESSO_FIELDS(OneIdentity, (provider, "Of which provider."),
             (body, "That the one who is logged in is there."))

struct LinkStarted {
  std::string authorization_url;

  static constexpr std::string_view kName = "LinkStarted";
};
GESSO_FIELDS(LinkStarted, (authorization_url, "The provider's page, to send the browser to."))

namespace {

using LastWayIn = Problem<409, "last_login", "It is the last way to log in">;

Result<Page<LoginProvider>> list_identities(DatabaseCall& call, const NoInput&) {
  const auto providers =
      domain::list_login_providers(call.services.accounts, call.session, call.user_id());
  Page<LoginProvider> page;
  if (!providers) return page;
  for (const domain::LoginProvider& one : *providers) page.items.push_back(view_of(one));
  return page;
}

// Asks other services and hashes: on the pool that may wait.
Result<WithCookie<LinkStarted>, NotFound, LoginRequired, WrongProof, TooManyAttempts> link_identity(
    OutgoingCall& call, const OneIdentity& asked) {
  auto* sign_in = sign_in_with(call, asked.provider);
  if (sign_in == nullptr) return not_offered(asked.provider);
  const domain::Requester requester = requester_of(call);
  if (!requester.session_id) return login_required();
  const auto proven = domain::reauthenticate(call.services.accounts, runner_of(call), requester,
                                             proof_of(asked.body.password, asked.body.code));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&proven)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::NotProven>(proven)) return wrong_proof();
  const auto begun = sign_in->begin(asked.provider, redirect_uri(call, asked.provider),
                                    {.deadline = call.deadline}, link_for(requester));
  return WithCookie<LinkStarted>{.value = {begun.url}, .cookie = sign_in_cookie(begun.cookie)};
}

Result<NoContent, NotFound, LastWayIn, WrongProof, TooManyAttempts> unlink_identity(
    HashingCall& call, const OneIdentity& asked) {
  const auto outcome = domain::unlink_identity(
      call.services.accounts, runner_of(call), requester_of(call),
      proof_of(asked.body.password, asked.body.code), auth_provider(asked.provider));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  if (std::holds_alternative<domain::NotProven>(outcome)) return wrong_proof();
  if (std::holds_alternative<domain::NotLinkedHere>(outcome)) {
    return NotFound{.detail = "No account of that provider is linked"};
  }
  if (std::holds_alternative<domain::LastWayIn>(outcome)) {
    return LastWayIn{.detail = "Set a password first, or link another provider"};
  }
  return NoContent{};
}

constexpr Operation kOperations[] = {
    operation<list_identities>({.path = "/api/v1/users/me/identities",
                                .id = "listIdentities",
                                .tag = "Sign-in",
                                .summary = "The providers whose accounts log the caller in.",
                                .scope = Scope::kAccountRead}),
    operation<link_identity>(
        {.method = http::Method::kPost,
         .path = "/api/v1/users/me/identities/{provider}/link",
         .id = "linkIdentity",
         .tag = "Sign-in",
         .summary = "Begin to link a provider's account to the caller's.",
         .description =
             "The answer sets a cookie and names the provider's page to send the browser "
             "to; the provider sends it back to `finishSignIn`.",
         .scope = Scope::kAccountWrite,
         .limit = LimitClass::kLogin}),
    operation<unlink_identity>({.method = http::Method::kPost,
                                .path = "/api/v1/users/me/identities/{provider}/unlink",
                                .id = "unlinkIdentity",
                                .tag = "Sign-in",
                                .summary = "Let a provider's account log the caller in no longer.",
                                .description = "Ends the other sessions.",
                                .scope = Scope::kAccountWrite,
                                .limit = LimitClass::kLogin,
                                .status = 204}),
};

}  // namespace

Operations identity_operations() { return kOperations; }

}  // namespace gesso::api
