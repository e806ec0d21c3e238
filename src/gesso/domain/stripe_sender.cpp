#include "gesso/domain/stripe_sender.hpp"

#include <algorithm>

#include "gesso/base/error.hpp"
#include "gesso/base/uuid.hpp"
#include "gesso/client/url.hpp"

namespace gesso::domain {
namespace {

constexpr std::size_t kMaxKey = 255;  // of Stripe's

std::string encoded(const StripeSender::Form& form) {
  std::vector<std::pair<std::string_view, std::string_view>> fields(form.begin(), form.end());
  return client::form_encode(fields);
}

}  // namespace

StripeSender::StripeSender(StripeSenderOptions options, client::HttpClient& client,
                           const Clock& clock, Random& random)
    : options_(std::move(options)), client_(client), clock_(clock), random_(random) {
  const std::string_view key = options_.secret_key.reveal();
  if (key.empty() || !std::ranges::all_of(key, [](char c) { return c > ' ' && c < '\x7F'; })) {
    throw Error(ErrorKind::kValidation, "Stripe's key: expected printable characters");
  }
}

StripeSender::Reply StripeSender::send(std::string_view method, std::string_view path,
                                       const Form& form, std::string_view idempotency_key,
                                       const client::Call& call) {
  if (idempotency_key.size() > kMaxKey) {
    throw Error(ErrorKind::kInternal, "an idempotency key of Stripe's has at most 255 characters");
  }
  client::HttpRequest request{.method = std::string(method),
                              .url = options_.origin + std::string(path),
                              .timeout = options_.timeout};
  std::string authorization = "Bearer ";
  authorization.reserve(authorization.size() + options_.secret_key.reveal().size());
  authorization += options_.secret_key.reveal();
  request.headers.emplace_back("Authorization", Secret(std::move(authorization)));
  const auto header = [&](std::string name, std::string_view value) {
    request.headers.emplace_back(std::move(name), Secret(value));
  };
  header("Stripe-Version", options_.version);
  if (method == "POST") {
    header("Content-Type", "application/x-www-form-urlencoded");
    header("Idempotency-Key", idempotency_key.empty() ? to_string(random_uuid(random_))
                                                      : std::string(idempotency_key));
    request.body = Secret(encoded(form));
  } else if (!form.empty()) {
    request.url += "?" + encoded(form);
  }
  const auto response =
      client::send_with_retry(client_, request, options_.retry, clock_, random_, call);
  return {.status = response.status, .body = std::string(response.body.reveal())};
}

}  // namespace gesso::domain
