#include "gesso/domain/sessions.hpp"

#include <algorithm>

#include "gesso/base/text.hpp"

namespace gesso::domain {

using models::LoginSession;
using models::SessionId;

namespace {

bool is_alive(const LoginSession& session, const SessionRules& rules, Time now) {
  return now < session.expires_at && now < session.last_used_at + rules.idle_lifetime;
}

// What a client says of itself is kept where it is text, cut to what the field holds.
template <class Field>
std::optional<Field> shown_text(std::string_view text, std::size_t bytes) {
  if (text.empty() || !is_utf8(text)) return std::nullopt;
  return Field(utf8_prefix(text, bytes));
}

void note_client(LoginSession& session, const ClientInfo& client) {
  session.user_agent = shown_text<models::UserAgent>(client.user_agent, 200);
  session.address = shown_text<models::ClientAddress>(client.address, 64);
}

auto find(std::vector<LoginSession>& sessions, const SessionId& id) {
  return std::ranges::find(sessions, id, &LoginSession::id);
}

}  // namespace

SessionToken begin_session(std::vector<LoginSession>& sessions, const models::UserId& user_id,
                           const ClientInfo& client, const SessionRules& rules,
                           const repositories::RepositoryContext& context) {
  const Time now = context.clock.now();
  std::erase_if(sessions, [&](const LoginSession& one) { return !is_alive(one, rules, now); });
  while (!sessions.empty() && sessions.size() >= rules.limit) {
    sessions.erase(std::ranges::min_element(sessions, {}, &LoginSession::last_used_at));
  }
  const SessionId id = SessionId::next(context.ids);
  std::string token = make_refresh_token(user_id, id, random_secret(context.random));
  LoginSession session{.id = id,
                       .token_hash = hash_token(token),
                       .created_at = now,
                       .last_used_at = now,
                       .expires_at = now + rules.lifetime};
  note_client(session, client);
  sessions.push_back(std::move(session));
  return {.session_id = id, .refresh_token = std::move(token), .expires_at = now + rules.lifetime};
}

std::variant<SessionToken, RefreshFault> refresh_session(std::vector<LoginSession>& sessions,
                                                         const RefreshToken& shown,
                                                         std::span<const std::string> successors,
                                                         const ClientInfo& client,
                                                         const SessionRules& rules, Time now) {
  const auto session = find(sessions, shown.session_id);
  if (session == sessions.end()) return RefreshFault::kUnknown;
  if (!is_alive(*session, rules, now)) {
    sessions.erase(session);
    return RefreshFault::kExpired;
  }
  if (matches(session->token_hash, shown.text)) {
    session->previous_hash = session->token_hash;
    session->token_hash = hash_token(successors.front());
    session->rotated_at = session->last_used_at = now;
    note_client(*session, client);
    return SessionToken{.session_id = session->id,
                        .refresh_token = successors.front(),
                        .expires_at = session->expires_at};
  }
  if (session->previous_hash && matches(*session->previous_hash, shown.text) &&
      session->rotated_at && now <= *session->rotated_at + rules.grace) {
    for (const std::string& successor : successors) {
      if (matches(session->token_hash, successor)) {
        return SessionToken{.session_id = session->id,
                            .refresh_token = successor,
                            .expires_at = session->expires_at};
      }
    }
  }
  sessions.erase(session);
  return RefreshFault::kReused;
}

bool end_session(std::vector<LoginSession>& sessions, const SessionId& id) {
  const auto session = find(sessions, id);
  if (session == sessions.end()) return false;
  sessions.erase(session);
  return true;
}

std::size_t end_sessions_but(std::vector<LoginSession>& sessions, const SessionId* keep) {
  return std::erase_if(sessions,
                       [&](const LoginSession& one) { return keep == nullptr || one.id != *keep; });
}

std::vector<LoginSession> live_sessions(std::vector<LoginSession> sessions,
                                        const SessionRules& rules, Time now) {
  std::erase_if(sessions, [&](const LoginSession& one) { return !is_alive(one, rules, now); });
  std::ranges::sort(sessions, std::greater{}, &LoginSession::last_used_at);
  return sessions;
}

}  // namespace gesso::domain
