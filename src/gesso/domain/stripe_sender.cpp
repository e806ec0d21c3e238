#include "gesso/domain/stripe_sender.hpp"

#include <algorithm>

#include "gesso/base/error.hpp"
#include "gesso/base/uuid.hpp"

namespace gesso::domain {
namespace {

constexpr std::size_t kMaxKey = 255;  // of Stripe's

}  // namespace

StripeSender::StripeSender(StripeSenderOptions options, client::HttpClient& client,
                           const Clock& clock, Random& random)
    : options_(std::move(options)), client_(client), clock_(clock), random_(random) {
  const std::string_view key = options_.secret_key.reveal();
  if (key.empty() || !std::ranges::all_of(key, [](char c) { return c > ' ' && c < '\x7F'; })) {
    throw Error(ErrorKind::kValidation, "Stripe's key: expected printable characters");
  }
}

StripeReply StripeSender::send(const StripeCall& stripe_call, const client::Call& call) {
  const std::string& idempotency_key = stripe_call.idempotency_key;
  if (idempotency_key.size() > kMaxKey) {
    throw Error(ErrorKind::kInternal, "an idempotency key of Stripe's has at most 255 characters");
  }
  client::HttpRequest request{.method = stripe_call.method,
                              .url = options_.origin + stripe_call.path,
                              .timeout = options_.timeout};
  std::string authorization = "Bearer ";
  authorization.reserve(authorization.size() + options_.secret_key.reveal().size());
  authorization += options_.secret_key.reveal();
  request.headers.emplace_back("Authorization", Secret(std::move(authorization)));
  const auto header = [&](std::string name, std::string_view value) {
    request.headers.emplace_back(std::move(name), Secret(value));
  };
  header("Stripe-Version", options_.version);
  if (stripe_call.method == "POST") {
    header("Content-Type", "application/x-www-form-urlencoded");
    header("Idempotency-Key",
           idempotency_key.empty() ? to_string(random_uuid(random_)) : idempotency_key);
    request.body = Secret(stripe_call.body());
  } else if (!stripe_call.form.empty()) {
    request.url += "?" + stripe_call.body();
  }
  const auto response =
      client::send_with_retry(client_, request, options_.retry, clock_, random_, call);
  return {.status = response.status, .body = std::string(response.body.reveal())};
}

}  // namespace gesso::domain
