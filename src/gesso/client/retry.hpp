// When to try again, after how long, and when to give up: a state machine without I/O or clock, and
// what an endpoint's reply says about it.
//
// A value of one owner; not thread-safe; never blocks.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <variant>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/client/http_client.hpp"

namespace gesso::client {

// "Wed, 21 Oct 2026 07:28:00 GMT"; the two forms that RFC 9110 calls obsolete are not sent.
[[nodiscard]] std::optional<Time> read_http_date(std::string_view text);

// "120" or "Wed, 21 Oct 2026 07:28:00 GMT" (RFC 9110 section 10.2.3); also `retry-after-ms` and
// `x-ms-retry-after-ms`, which Azure sends. Never negative; std::nullopt where there is none or it
// cannot be read.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_after(const HttpResponse& response,
                                                                   Time now);

class RetryFsm {
 public:
  struct Options {
    int attempts = 5;
    std::chrono::milliseconds wait_min{1000};    // doubles with each failure
    std::chrono::milliseconds wait_max{60'000};  // what a reply asks for is clamped between the two
    // 410 of the instance metadata service: it is back within so long (0: 410 is final), however
    // many attempts that takes.
    std::chrono::milliseconds gone_for{0};
    bool not_found = false;  // 404 may pass: the service is being updated
    bool forbidden = false;  // 403 may pass: a role granted a moment ago
    bool conflict = false;   // 409 may pass: a concurrent request of the same key
    // A header, in lower case, by which the service itself says "true" or "false" to another
    // attempt, whatever the status; empty: there is none.
    std::string_view advice = {};
  };
  // What became of an attempt: a status, no reply at all, or a reply that says what to do.
  struct NoReply {};
  enum class Advised { kStop, kAgain };
  using Outcome = std::variant<int, NoReply, Advised>;
  struct Action {
    enum class Kind { kWait, kDone };  // done: take the outcome as it is, good or bad
    Kind kind;
    std::chrono::milliseconds wait{0};
    friend bool operator==(const Action&, const Action&) = default;
  };

 private:
  Options options_;
  int failures_ = 0;
  std::chrono::milliseconds waited_{0};

 public:
  explicit RetryFsm(Options options) : options_(options) {}

  // `asked` is what `retry_after` read: never less is waited, up to `wait_max`. `jitter` in [0, 1)
  // makes our own choice 0.8 to 1.3 of itself, and what was asked 1 to 1.3.
  [[nodiscard]] Action after(Outcome outcome, std::optional<std::chrono::milliseconds> asked,
                             double jitter);
};

// What a reply is to the machine: its status, or the service's advice where it gives any.
[[nodiscard]] RetryFsm::Outcome outcome_of(const HttpResponse& response, std::string_view advice);

// Sends until the machine says that it is done, or until the next wait would outlast the deadline:
// the last reply says more than that the time is up. No reply is tried again where its Error is
// retryable(). Blocks; a wait ends at once with the call. Throws as `HttpClient::send`.
[[nodiscard]] HttpResponse send_with_retry(HttpClient& client, const HttpRequest& request,
                                           RetryFsm::Options options, const Clock& clock,
                                           Random& random, const Call& call);

}  // namespace gesso::client
