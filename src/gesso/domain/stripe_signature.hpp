// The signature of Stripe's webhooks: `Stripe-Signature: t=1700000000,v1=<hex>,v1=<hex>`.
//
// What is signed is the time, a period and the body's bytes as they came, by HMAC-SHA256 under the
// endpoint's secret as text, its prefix `whsec_` included (docs.stripe.com/webhooks/signature;
// stripe-python, _webhook.py). Pure functions; thread-safe.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/domain/webhook_signature.hpp"

namespace gesso::domain {

// Checks the header against the body. While a secret is rolled two are valid, and Stripe signs with
// both: any signature by any of the secrets will do. Compares in constant time. Without a secret
// nothing is good.
[[nodiscard]] SignatureVerdict verify_stripe_signature(
    std::string_view header, std::string_view body, std::span<const Secret> secrets, Time now,
    std::chrono::seconds tolerance = kSignatureTolerance);

// The header that Stripe would send at that moment; for tests and stand-ins.
[[nodiscard]] std::string sign_as_stripe(std::string_view body, std::span<const Secret> secrets,
                                         Time now);

}  // namespace gesso::domain
