// Reads what Stripe sends: events of webhooks, and the objects of its replies.
//
// An endpoint's events have the shape of the API version that the endpoint was made with, which is
// not ours to choose: both shapes are read, that before 2025-03-31.basil and that from it on
// (stripe-python's CHANGELOG, 12.0.0). Pure functions; thread-safe. They never throw for what is
// in the text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gesso/bson/view.hpp"
#include "gesso/domain/malformed_event.hpp"
#include "gesso/models/stripe.hpp"

namespace gesso::domain {

// The facts of an event. One of a type that means nothing to us is of kind `kOther`; a state of a
// subscription that we do not know makes its event one. A "thin" event (`v2.core.event`), which
// holds no object, is malformed, and so is one of our types that lacks what makes it one.
[[nodiscard]] std::variant<models::StripeEvent, MalformedEvent> parse_stripe_event(
    std::string_view body);

// The type of what we asked for, which is no event of Stripe's.
inline constexpr std::string_view kFetchedType = "gesso.subscription.fetched";

// A subscription as Stripe replies with it, as the event that would have told so at `asked_at`.
// std::nullopt where it is no subscription.
[[nodiscard]] std::optional<models::StripeEvent> read_subscription_reply(bson::View object,
                                                                         std::string_view event_id,
                                                                         Time asked_at);

}  // namespace gesso::domain
