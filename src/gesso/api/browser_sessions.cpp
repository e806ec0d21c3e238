// Sessions of pages in a browser: a cookie that no script sees keeps the refresh token, so that a
// page may be loaded again, and what runs in the page has nothing to steal that outlives it.
#include "gesso/api/account_calls.hpp"
#include "gesso/api/operations.hpp"

namespace gesso::api {

struct BrowserSessionRequest {
  std::optional<std::string> refresh_token = {};

  static constexpr std::string_view kName = "BrowserSessionRequest";
};
GESSO_FIELDS(BrowserSessionRequest,
             (refresh_token, "Of a login, to begin with; from then on the cookie has it."))

struct OpenBrowserSession {
  std::optional<std::string> cookie = {};
  std::optional<std::string> sec_fetch_site = {};
  BrowserSessionRequest body;
};
GESSO_FIELDS(OpenBrowserSession, (cookie, "With what was set the last time.", kFromHeader),
             (sec_fetch_site, "What browsers say of the page that asks.", kFromHeader),
             (body, "Which session."))

struct EndBrowserSession {
  std::optional<std::string> cookie = {};
  std::optional<std::string> sec_fetch_site = {};
};
GESSO_FIELDS(EndBrowserSession, (cookie, "Which session.", kFromHeader),
             (sec_fetch_site, "What browsers say of the page that asks.", kFromHeader))

struct BrowserSession {
  std::string access_token;
  std::string token_type;
  std::int64_t expires_in = 0;
  Time session_expires_at;
  models::SessionId session_id;

  static constexpr std::string_view kName = "BrowserSession";
  static constexpr std::string_view kAbout =
      "What later requests show. The cookie of this answer yields the next one of these.";
};
GESSO_FIELDS(BrowserSession, (access_token, "For `Authorization: Bearer ...`."),
             (token_type, "`bearer`."), (expires_in, "Seconds until the access token ends."),
             (session_expires_at, "When the session ends."), (session_id, "The session."))

namespace {

constexpr std::string_view kSessionCookie = "__Host-gesso-session";

using SessionEnded = Problem<401, "invalid_refresh_token", "The session has ended">;
using OtherOrigin = Problem<403, "other_origin", "A page of another origin may not do this">;

// SameSite lets in what other hosts of the domain serve; what browsers say of themselves does not
// (https://www.w3.org/TR/fetch-metadata/). Who is no browser has no cookie to be misused.
bool is_other_origin(const std::optional<std::string>& sec_fetch_site) {
  return sec_fetch_site && *sec_fetch_site != "same-origin";
}
OtherOrigin other_origin() { return {.detail = "The cookie is for pages of this service alone"}; }

std::string refresh_token_of(const std::optional<std::string>& cookies) {
  return std::string(find_cookie(cookies.value_or(""), kSessionCookie).value_or(""));
}

Cookie session_cookie(std::string value, std::chrono::seconds lifetime) {
  return {.name = kSessionCookie,
          .value = std::move(value),
          .lifetime = lifetime,
          .same_site = "Strict"};
}

Result<WithCookie<BrowserSession>, SessionEnded, OtherOrigin, TooManyAttempts> open_browser_session(
    DatabaseCall& call, const OpenBrowserSession& asked) {
  if (is_other_origin(asked.sec_fetch_site)) return other_origin();
  const std::string token =
      asked.body.refresh_token ? *asked.body.refresh_token : refresh_token_of(asked.cookie);
  const auto outcome =
      domain::refresh(call.services.accounts, call.session, token, client_of(call));
  if (const auto* refusal = std::get_if<domain::TooManyAttempts>(&outcome)) {
    return too_many(*refusal);
  }
  const auto* login = std::get_if<domain::SignedIn>(&outcome);
  if (login == nullptr) return SessionEnded{.detail = "Log in again"};
  call.is_for(login->user_id);
  const Time now = call.services.repository_context.clock.now();
  return WithCookie<BrowserSession>{
      .value = {.access_token = login->access_token,
                .token_type = "bearer",
                .expires_in = login->access_lifetime.count(),
                .session_expires_at = login->session.expires_at,
                .session_id = login->session.session_id},
      .cookie = session_cookie(
          login->session.refresh_token,
          std::chrono::duration_cast<std::chrono::seconds>(login->session.expires_at - now))};
}

Result<WithCookie<NoContent>, OtherOrigin> end_browser_session(DatabaseCall& call,
                                                               const EndBrowserSession& asked) {
  if (is_other_origin(asked.sec_fetch_site)) return other_origin();
  domain::log_out(call.services.accounts, call.session, refresh_token_of(asked.cookie));
  return WithCookie<NoContent>{.value = {}, .cookie = session_cookie({}, {})};
}

constexpr Operation kOperations[] = {
    operation<open_browser_session>(
        {.method = http::Method::kPost,
         .path = "/api/v1/auth/session",
         .id = "openBrowserSession",
         .tag = "Accounts",
         .summary = "Get an access token, and keep the session in a cookie that no script sees.",
         .description = "For pages of this service's own origin, as the console is: with the "
                        "`refresh_token` of a login first, afterwards with nothing but the cookie. "
                        "Each time the cookie is another; see `refresh`.",
         .access = Access::kPublic,
         .limit = LimitClass::kLogin}),
    operation<end_browser_session>({.method = http::Method::kPost,
                                    .path = "/api/v1/auth/session/end",
                                    .id = "endBrowserSession",
                                    .tag = "Accounts",
                                    .summary = "End the session of the cookie, and take it away.",
                                    .access = Access::kPublic,
                                    .limit = LimitClass::kLogin,
                                    .status = 204}),
};

}  // namespace

Operations browser_session_operations() { return kOperations; }

}  // namespace gesso::api
