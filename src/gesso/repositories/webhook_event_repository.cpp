#include "gesso/repositories/webhook_event_repository.hpp"

#include <algorithm>
#include <string>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"

namespace gesso::repositories {

using namespace query;
using models::ForeignId;
using models::WebhookEvent;
using models::WebhookEventId;
using models::WebhookState;

namespace {

constexpr std::chrono::minutes kTimeToApply{1};
constexpr std::chrono::milliseconds kFirstDelay = std::chrono::seconds{30};
constexpr std::chrono::milliseconds kLongestDelay = std::chrono::hours{6};
constexpr std::size_t kReasonBytes = 500;

}  // namespace

WebhookEventId webhook_event_id(models::WebhookProvider provider, std::string_view event_id) {
  const std::string readable = std::string(WebhookEventId::kPrefix) +
                               std::string(to_string(provider)) + '_' + std::string(event_id);
  if (auto id = WebhookEventId::parse(readable)) return *std::move(id);
  // Too long, or of characters that an id does not have.
  const Digest digest = sha256(readable);
  return std::string(WebhookEventId::kPrefix) + base64url_encode(as_text(digest));
}

std::chrono::milliseconds webhook_retry_delay(std::int64_t attempts) {
  std::chrono::milliseconds delay = kFirstDelay;
  for (std::int64_t i = 1; i < attempts && delay < kLongestDelay; ++i) delay *= 2;
  return std::min(delay, kLongestDelay);
}

WebhookEvent WebhookEventRepository::receive(const models::StripeEvent& event) {
  const Time moment = now();
  WebhookEvent received{.id = webhook_event_id(models::WebhookProvider::kStripe, event.id),
                        .provider = models::WebhookProvider::kStripe,
                        .event_id = event.id,
                        .type = event.type,
                        .customer_id = event.customer_id,
                        .retry_at = moment + kTimeToApply,
                        .stripe = event,
                        .received_at = moment,
                        .updated_at = moment,
                        .expires_at = moment + WebhookEvent::kLifetime};
  if (auto known = find_by_id(received.id)) return *std::move(known);
  try {
    return create(received);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDuplicate) throw;
  }
  // Another delivery was faster; or it is due to be deleted, and as good as not there.
  if (auto known = find_by_id(received.id)) return *std::move(known);
  return received;
}

void WebhookEventRepository::mark_applied(const Id& id) {
  update_by_id(id, update(set<&WebhookEvent::state>(WebhookState::kApplied),
                          unset<&WebhookEvent::reason>()));
}

void WebhookEventRepository::mark_ignored(const Id& id, std::string_view reason) {
  update_by_id(id, update(set<&WebhookEvent::state>(WebhookState::kIgnored),
                          set<&WebhookEvent::reason>(utf8_prefix(reason, kReasonBytes))));
}

void WebhookEventRepository::park(const WebhookEvent& seen, std::string_view reason) {
  const std::int64_t attempts = seen.attempts + 1;
  update_one(where<&WebhookEvent::id> == seen.id && where<&WebhookEvent::state> == seen.state,
             update(set<&WebhookEvent::state>(WebhookState::kParked),
                    set<&WebhookEvent::reason>(utf8_prefix(reason, kReasonBytes)),
                    set<&WebhookEvent::attempts>(attempts),
                    set<&WebhookEvent::retry_at>(now() + webhook_retry_delay(attempts))));
}

std::vector<WebhookEvent> WebhookEventRepository::find_due(Time moment, std::int64_t limit) {
  std::vector<WebhookEvent> due;
  for (const WebhookState state : {WebhookState::kReceived, WebhookState::kParked}) {
    auto found =
        find_many(where<&WebhookEvent::state> == state && where<&WebhookEvent::retry_at> <= moment,
                  sort_by(asc<&WebhookEvent::retry_at>),
                  {.limit = limit, .skip_undecodable = [](const Error&) {}});
    due.insert(due.end(), std::make_move_iterator(found.begin()),
               std::make_move_iterator(found.end()));
  }
  return due;
}

std::vector<WebhookEvent> WebhookEventRepository::find_parked(const ForeignId& customer_id,
                                                              std::int64_t limit) {
  return find_many(where<&WebhookEvent::customer_id> == customer_id &&
                       where<&WebhookEvent::state> == WebhookState::kParked,
                   unsorted, {.limit = limit, .skip_undecodable = [](const Error&) {}});
}

}  // namespace gesso::repositories
