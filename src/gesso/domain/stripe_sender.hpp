// Sends the calls of stripe_calls.hpp to Stripe's API (docs.stripe.com/api, "Idempotent requests",
// "Errors").
//
// Thread-safe; blocks. Borrows client, clock and randomness, which must outlive it.
#pragma once

#include <string>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/client/http_client.hpp"
#include "gesso/client/retry.hpp"
#include "gesso/domain/stripe_calls.hpp"

namespace gesso::domain {

struct StripeSenderOptions {
  Secret secret_key;                              // "sk_live_..."
  std::string version{kStripeVersion};            // of the API: the shape of the replies
  std::string origin = "https://api.stripe.com";  // for client::AllowedOrigins, too
  std::chrono::milliseconds timeout{20'000};      // of one attempt
  // Tries again where there was no reply, for 409 (a concurrent call of the same key), 429 and 5xx,
  // unless Stripe advises otherwise by `Stripe-Should-Retry`.
  client::RetryFsm::Options retry = {.attempts = 3,
                                     .wait_min = std::chrono::milliseconds{500},
                                     .wait_max = std::chrono::milliseconds{8'000},
                                     .conflict = true,
                                     .advice = "stripe-should-retry"};
};

class StripeSender {
  StripeSenderOptions options_;
  client::HttpClient& client_;
  const Clock& clock_;
  Random& random_;

 public:
  // Throws Error kValidation where the key is none that can be sent.
  StripeSender(StripeSenderOptions options, client::HttpClient& client, const Clock& clock,
               Random& random);

  // The form goes into the body, for GET and DELETE into the query. A POST without a key is given
  // one of its own, so that an attempt whose answer was lost is not made twice.
  //
  // Any status is a reply. Throws as HttpClient::send where there was none.
  [[nodiscard]] StripeReply send(const StripeCall& stripe_call, const client::Call& call);
};

}  // namespace gesso::domain
