#include "gesso/client/retry.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "gesso/base/error.hpp"
#include "gesso/client/url.hpp"

namespace gesso::client {
namespace {

using std::chrono::milliseconds;

// A day: nobody waits longer, and no sum of two overflows.
constexpr std::int64_t kMostMillis = 86'400'000;

// Digits only, as both headers have them; cut to a day.
std::optional<milliseconds> read_number(std::string_view text, std::int64_t unit) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || text.empty() || text.front() == '-') return std::nullopt;
  if (error == std::errc::result_out_of_range) return milliseconds{kMostMillis};
  if (error != std::errc{}) return std::nullopt;
  return milliseconds{std::min(number, kMostMillis / unit) * unit};
}

}  // namespace

std::optional<Time> read_http_date(std::string_view text) {
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  const std::size_t month = kMonths.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const std::size_t number = month / 3 + 1;
  std::string iso(text.substr(12, 4));
  iso += number < 10 ? "-0" : "-";
  iso += std::to_string(number);
  iso += "-";
  iso += text.substr(5, 2);
  iso += "T";
  iso += text.substr(17, 8);
  return parse_iso8601(iso + "Z");
}

std::optional<milliseconds> retry_after(const HttpResponse& response, Time now) {
  for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    if (const auto value = response.header(name)) {
      if (const auto number = read_number(*value, 1)) return number;
    }
  }
  const auto value = response.header("retry-after");
  if (!value) return std::nullopt;
  if (const auto number = read_number(*value, 1000)) return number;
  const auto date = read_http_date(*value);
  if (!date) return std::nullopt;
  return std::clamp(*date - now, milliseconds{0}, milliseconds{kMostMillis});
}

RetryFsm::Action RetryFsm::after(Outcome outcome, std::optional<milliseconds> asked,
                                 double jitter) {
  constexpr Action kDone{Action::Kind::kDone};
  const int* status = std::get_if<int>(&outcome);
  const int code = status != nullptr ? *status : 0;
  const bool gone = code == 410 && options_.gone_for.count() > 0;
  const Advised* advised = std::get_if<Advised>(&outcome);
  const bool may_pass = advised != nullptr
                            ? *advised == Advised::kAgain
                            : status == nullptr || gone || code == 408 || code == 429 ||
                                  code >= 500 || (code == 404 && options_.not_found) ||
                                  (code == 403 && options_.forbidden) ||
                                  (code == 409 && options_.conflict);
  ++failures_;
  if (!may_pass || (gone ? waited_ >= options_.gone_for : failures_ >= options_.attempts)) {
    return kDone;
  }
  milliseconds wait = options_.wait_min;
  for (int i = 1; i < failures_ && wait < options_.wait_max; ++i) wait *= 2;
  double factor = 0.8 + 0.5 * jitter;
  if (asked) {
    wait = std::max(*asked, options_.wait_min);
    factor = 1 + 0.3 * jitter;
  }
  wait = std::min(std::chrono::duration_cast<milliseconds>(wait * factor), options_.wait_max);
  if (gone) {  // the last attempt comes when the time is up, no sooner and not much later
    wait = std::min(wait, options_.gone_for - waited_);
  }
  waited_ += wait;
  return {Action::Kind::kWait, wait};
}

RetryFsm::Outcome outcome_of(const HttpResponse& response, std::string_view advice) {
  if (!advice.empty()) {
    const auto said = response.header(advice);
    if (said == "true") return RetryFsm::Advised::kAgain;
    if (said == "false") return RetryFsm::Advised::kStop;
  }
  return response.status;
}

HttpResponse send_with_retry(HttpClient& client, const HttpRequest& request,
                             RetryFsm::Options options, const Clock& clock, Random& random,
                             const Call& call) {
  RetryFsm machine(options);
  const auto url = parse_url(request.url);
  const std::string doing = "asking " + (url ? url->origin() : std::string("nobody"));
  while (true) {
    std::optional<HttpResponse> response;
    std::optional<Error> failure;
    RetryFsm::Outcome outcome = RetryFsm::NoReply{};
    std::optional<milliseconds> asked;
    try {
      response = client.send(request, call);
      outcome = outcome_of(*response, options.advice);
      asked = retry_after(*response, clock.now());
    } catch (const Error& error) {
      if (!error.retryable() || call.ended()) throw;
      failure = error;
    }
    const RetryFsm::Action action = machine.after(outcome, asked, random.uniform());
    if (action.kind == RetryFsm::Action::Kind::kDone || action.wait >= call.deadline.remaining()) {
      if (failure) throw *failure;
      return std::move(*response);
    }
    wait(action.wait, call, doing);
  }
}

}  // namespace gesso::client
