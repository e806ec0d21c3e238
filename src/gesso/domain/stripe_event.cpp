#include "gesso/domain/stripe_event.hpp"

#include <algorithm>
#include <utility>

#include "gesso/base/error.hpp"
#include "gesso/schema/json.hpp"

namespace gesso::domain {

using bson::Value;
using bson::View;
using models::ForeignId;
using models::InvoiceReason;
using models::StripeEvent;
using models::StripeEventKind;
using models::StripeInvoiceFacts;
using models::StripeItem;
using models::StripeStatus;
using models::StripeSubscriptionFacts;

namespace {

constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999

std::string_view text_of(Value value) {
  return value.is_string() ? value.as_string() : std::string_view();
}

std::optional<ForeignId> foreign_id(Value value) {
  const std::string_view text = text_of(value);
  if (ForeignId::check(text)) return std::nullopt;
  return ForeignId(text);
}

// A reference to an object: its id, or the object itself where Stripe was asked to expand it.
std::optional<ForeignId> reference(Value value) {
  return foreign_id(value.is_document() ? value.as_document()["id"] : value);
}

std::optional<Time> time_of(Value value) {
  if (!value.is_number()) return std::nullopt;
  const auto seconds = value.integer();
  if (!seconds || *seconds < 0 || *seconds > kLastSecond) return std::nullopt;
  return Time{std::chrono::seconds{*seconds}};
}

bool is_true(Value value) { return value.is(bson::Type::kBool) && value.as_bool(); }

View document(Value value) { return value.is_document() ? value.as_document() : View(); }

// The elements of a list object, `{"object": "list", "data": [...]}`.
View list(Value value) {
  const Value data = document(value)["data"];
  return data.is_array() ? data.as_document() : View();
}

template <class T>
std::optional<T> first_of(std::optional<T> first, std::optional<T> second) {
  return first ? first : second;
}

std::optional<StripeSubscriptionFacts> read_subscription(View object) {
  const auto status = schema::parse_enum<StripeStatus>(text_of(object["status"]));
  const auto created = first_of(time_of(object["created"]), time_of(object["start_date"]));
  if (!status || !created) return std::nullopt;
  StripeSubscriptionFacts facts{.status = *status, .created = *created};
  for (const bson::Element& element : list(object["items"])) {
    const View item = document(element.value);
    const auto id = foreign_id(item["id"]);
    const auto price = first_of(reference(item["price"]), reference(item["plan"]));
    if (id && price) facts.items.push_back({.id = *id, .price_id = *price});
  }
  facts.cancel_at_period_end = is_true(object["cancel_at_period_end"]);
  facts.cancel_at = time_of(object["cancel_at"]);
  facts.canceled_at = time_of(object["canceled_at"]);
  facts.ended_at = time_of(object["ended_at"]);
  return facts;
}

InvoiceReason reason_of(std::string_view text) {
  if (text == "subscription_create") return InvoiceReason::kCreate;
  if (text == "subscription_cycle") return InvoiceReason::kCycle;
  if (text == "subscription_update") return InvoiceReason::kUpdate;
  return InvoiceReason::kOther;
}

// Where an invoice speaks of its subscription, from basil on.
View parent_details(View invoice) {
  return document(document(invoice["parent"])["subscription_details"]);
}

// A line that bills a subscription for a period, not one that settles a change of plan.
bool is_service(View line) {
  const View details = document(document(line["parent"])["subscription_item_details"]);
  if (!details.empty()) return !is_true(details["proration"]);
  return text_of(line["type"]) == "subscription" && !is_true(line["proration"]);
}

std::optional<ForeignId> subscription_of_line(View line) {
  const View details = document(document(line["parent"])["subscription_item_details"]);
  return first_of(reference(details["subscription"]), reference(line["subscription"]));
}

std::optional<ForeignId> subscription_of_invoice(View invoice) {
  auto found = first_of(reference(parent_details(invoice)["subscription"]),
                        reference(invoice["subscription"]));
  for (const bson::Element& element : list(invoice["lines"])) {
    if (found) break;
    found = subscription_of_line(document(element.value));
  }
  return found;
}

std::optional<StripeInvoiceFacts> read_invoice(View object) {
  const auto id = foreign_id(object["id"]);
  if (!id) return std::nullopt;
  StripeInvoiceFacts facts{.id = *id, .reason = reason_of(text_of(object["billing_reason"]))};
  facts.next_attempt_at = time_of(object["next_payment_attempt"]);
  // An invoice's own `period_start` and `period_end` are those of the items that it gathers, not of
  // the service that it pays.
  for (const bson::Element& element : list(object["lines"])) {
    const View line = document(element.value);
    const View period = document(line["period"]);
    const auto start = time_of(period["start"]);
    const auto end = time_of(period["end"]);
    if (!is_service(line) || !start || !end || *start >= *end) continue;
    if (facts.period_end && *facts.period_end >= *end) continue;
    facts.period_start = start;
    facts.period_end = end;
    const View price = document(document(line["pricing"])["price_details"]);
    facts.price_id = first_of(first_of(reference(price["price"]), reference(line["price"])),
                              reference(line["plan"]));
  }
  return facts;
}

bool is_paid(View invoice) {
  return text_of(invoice["status"]) == "paid" || is_true(invoice["paid"]);
}

StripeEventKind kind_of(std::string_view type) {
  if (type.starts_with("customer.subscription.")) {
    const std::string_view what = type.substr(std::string_view("customer.subscription.").size());
    for (const std::string_view known : {"created", "updated", "deleted", "paused", "resumed"}) {
      if (what == known) return StripeEventKind::kSubscription;
    }
    return StripeEventKind::kOther;
  }
  if (type == "invoice.paid" || type == "invoice.payment_succeeded") {
    return StripeEventKind::kInvoicePaid;
  }
  if (type == "invoice.payment_failed") return StripeEventKind::kInvoiceFailed;
  if (type == "checkout.session.completed" || type == "checkout.session.async_payment_succeeded") {
    return StripeEventKind::kCheckoutCompleted;
  }
  return StripeEventKind::kOther;
}

// Reads the object of an event into it. Returns what is missing, "" for nothing.
std::string_view read_object(StripeEvent& event, View object) {
  event.customer_id = reference(object["customer"]);
  event.user_id = foreign_id(document(object["metadata"])["user_id"]);
  switch (event.kind) {
    case StripeEventKind::kSubscription:
      event.subscription_id = foreign_id(object["id"]);
      if (!event.subscription_id) return "the subscription has no id";
      event.subscription = read_subscription(object);
      if (!event.subscription) {
        // A state that was invented after this was written says nothing to us.
        if (!text_of(object["status"]).empty() && time_of(object["created"])) break;
        return "the subscription has no status, or no date";
      }
      if (event.type == "customer.subscription.deleted") {
        event.subscription->status = StripeStatus::kCanceled;
      }
      return {};
    case StripeEventKind::kInvoicePaid:
    case StripeEventKind::kInvoiceFailed: {
      event.subscription_id = subscription_of_invoice(object);
      if (!event.subscription_id) break;  // for something else
      event.invoice = read_invoice(object);
      if (!event.invoice) return "the invoice has no id";
      if (event.kind == StripeEventKind::kInvoicePaid && !is_paid(object)) break;
      const View details = parent_details(object);
      const View old_details = document(object["subscription_details"]);
      event.user_id = first_of(first_of(foreign_id(document(details["metadata"])["user_id"]),
                                        foreign_id(document(old_details["metadata"])["user_id"])),
                               event.user_id);
      return {};
    }
    case StripeEventKind::kCheckoutCompleted:
      if (text_of(object["mode"]) != "subscription") break;
      event.subscription_id = reference(object["subscription"]);
      event.user_id = first_of(foreign_id(object["client_reference_id"]), event.user_id);
      if (!event.customer_id) return "the checkout has no customer";
      return {};
    case StripeEventKind::kOther:
      break;
  }
  event.kind = StripeEventKind::kOther;
  event.subscription.reset();
  event.invoice.reset();
  return {};
}

}  // namespace

std::variant<StripeEvent, MalformedEvent> parse_stripe_event(std::string_view body) {
  bson::Document json;
  try {
    json = schema::parse_json(body);
  } catch (const Error&) {
    return MalformedEvent{"it is no JSON object"};
  }
  const std::string_view what = text_of(json["object"]);
  if (what == "v2.core.event")
    return MalformedEvent{"it is a thin event, which has another format"};
  if (what != "event") return MalformedEvent{"it is no event"};
  const auto id = foreign_id(json["id"]);
  const auto type = foreign_id(json["type"]);
  const auto created = time_of(json["created"]);
  if (!id || !type || !created) return MalformedEvent{"it has no id, no type or no date"};
  StripeEvent event{.id = *id, .type = *type, .created = *created, .kind = kind_of(*type)};
  const Value object = document(json["data"])["object"];
  if (!object.is_document()) {
    if (event.kind != StripeEventKind::kOther) return MalformedEvent{"it has no object"};
    return event;
  }
  const std::string_view missing = read_object(event, object.as_document());
  if (!missing.empty()) return MalformedEvent{std::string(missing)};
  return event;
}

std::optional<StripeEvent> read_subscription_reply(View object, std::string_view event_id,
                                                   Time asked_at) {
  if (text_of(object["object"]) != "subscription" || ForeignId::check(event_id)) {
    return std::nullopt;
  }
  StripeEvent event{.id = event_id,
                    .type = kFetchedType,
                    .created = std::chrono::floor<std::chrono::seconds>(asked_at),
                    .kind = StripeEventKind::kSubscription};
  const std::string_view missing = read_object(event, object);
  if (!missing.empty() || !event.subscription) return std::nullopt;
  return event;
}

}  // namespace gesso::domain
