// The signature of Replicate's webhooks (replicate.com/docs/topics/webhooks/verify-webhook), which
// is that of Standard Webhooks (standardwebhooks.com): `webhook-id: msg_...`, `webhook-timestamp:
// 1700000000`, `webhook-signature: v1,<base64> v1,<base64>`.
//
// What is signed is the id, a period, the time, a period and the body's bytes as they came, by
// HMAC-SHA256. The key is the secret's part after `whsec_`, decoded from base64. Pure functions;
// thread-safe.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/domain/webhook_signature.hpp"

namespace gesso::domain {

struct ReplicateHeaders {
  std::string_view id;         // webhook-id; the same when the event is sent again
  std::string_view timestamp;  // webhook-timestamp
  std::string_view signature;  // webhook-signature
};

// Whether it is `whsec_` and base64 of something.
[[nodiscard]] bool is_replicate_secret(std::string_view text);

// Checks the headers against the body: any signature by any of the secrets will do, so that one may
// be replaced by another. Compares in constant time. Without a secret nothing is good.
[[nodiscard]] SignatureVerdict verify_replicate_signature(
    const ReplicateHeaders& headers, std::string_view body, std::span<const Secret> secrets,
    Time now, std::chrono::seconds tolerance = kSignatureTolerance);

// The `webhook-signature` that Replicate would send; for tests and stand-ins.
[[nodiscard]] std::string sign_as_replicate(std::string_view id, std::string_view timestamp,
                                            std::string_view body, std::span<const Secret> secrets);

}  // namespace gesso::domain
