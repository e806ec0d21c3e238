// Where the caller is logged in.
#include "gesso/api/account_calls.hpp"
#include "gesso/api/operations.hpp"
#include "gesso/domain/sign_in.hpp"

namespace gesso::api {

struct SessionView {
  models::SessionId id;
  Time created_at;
  Time last_used_at;
  Time expires_at;
  std::optional<models::UserAgent> user_agent = {};
  std::optional<models::ClientAddress> address = {};
  bool is_current = false;

  static constexpr std::string_view kName = "Session";
  static constexpr std::string_view kAbout = models::LoginSession::kAbout;
};
GESSO_FIELDS(SessionView, (id, "Assigned by the service."),
             (created_at, schema::field_about<&models::LoginSession::created_at>),
             (last_used_at, schema::field_about<&models::LoginSession::last_used_at>),
             (expires_at, schema::field_about<&models::LoginSession::expires_at>),
             (user_agent, schema::field_about<&models::LoginSession::user_agent>),
             (address, schema::field_about<&models::LoginSession::address>),
             (is_current, "Whether this request belongs to it."))

struct EndSession {
  std::string id;
};
GESSO_FIELDS(EndSession, (id, "Which one."))

struct EndedSessions {
  std::int64_t ended = 0;

  static constexpr std::string_view kName = "EndedSessions";
};
GESSO_FIELDS(EndedSessions, (ended, "How many there were."))

namespace {

Result<Page<SessionView>> list_sessions(ReadCall& call, const NoInput&) {
  const auto sessions = domain::list_sessions(call.services.accounts, call.session, call.user_id());
  Page<SessionView> page;
  if (!sessions) return page;
  for (const models::LoginSession& one : *sessions) {
    page.items.push_back({.id = one.id,
                          .created_at = one.created_at,
                          .last_used_at = one.last_used_at,
                          .expires_at = one.expires_at,
                          .user_agent = one.user_agent,
                          .address = one.address,
                          .is_current = one.id == call.caller().session_id});
  }
  return page;
}

Result<NoContent, NotFound> end_session(DatabaseCall& call, const EndSession& asked) {
  const auto id = models::SessionId::parse(asked.id);
  if (id && domain::end_session(call.services.accounts, call.session, call.user_id(), *id)) {
    return NoContent{};
  }
  return NotFound{.detail = "There is no such session"};
}

Result<EndedSessions> end_other_sessions(DatabaseCall& call, const NoInput&) {
  const std::size_t ended =
      domain::end_other_sessions(call.services.accounts, call.session, call.user_id(),
                                 models::SessionId::parse(call.caller().session_id));
  return EndedSessions{static_cast<std::int64_t>(ended)};
}

constexpr Operation kOperations[] = {
    operation<list_sessions>({.path = "/api/v1/users/me/sessions",
                              .id = "listSessions",
                              .tag = "Sessions",
                              .summary = "Where the caller is logged in, last used first.",
                              .scope = Scope::kAccountRead}),
    operation<end_other_sessions>({.method = http::Method::kDelete,
                                   .path = "/api/v1/users/me/sessions",
                                   .id = "endOtherSessions",
                                   .tag = "Sessions",
                                   .summary = "End all sessions but the one of this request.",
                                   .scope = Scope::kAccountWrite,
                                   .limit = LimitClass::kWrite}),
    operation<end_session>({.method = http::Method::kDelete,
                            .path = "/api/v1/users/me/sessions/{id}",
                            .id = "endSession",
                            .tag = "Sessions",
                            .summary = "End a session of the caller's.",
                            .scope = Scope::kAccountWrite,
                            .limit = LimitClass::kWrite,
                            .status = 204}),
};

}  // namespace

Operations session_operations() { return kOperations; }

}  // namespace gesso::api
