#include "gesso/providers/http_answers.hpp"

#include <spdlog/spdlog.h>

#include "gesso/base/error.hpp"
#include "gesso/client/retry.hpp"
#include "gesso/schema/json.hpp"

namespace gesso::providers {
namespace {

// Longer ones would keep a generation waiting that another attempt may help sooner.
constexpr std::chrono::milliseconds kLongestWait{60'000};

}  // namespace

std::pair<std::string, Secret> bearer(const Secret& token) {
  std::string value = "Bearer ";
  value.reserve(value.size() + token.reveal().size());
  value += token.reveal();
  return {"Authorization", Secret(std::move(value))};
}

std::optional<bson::Document> json_of(const client::HttpResponse& reply) {
  try {
    return schema::parse_json(reply.body.reveal());
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string_view text_of(bson::View object, std::string_view name) {
  const bson::Value value = object[name];
  return value.is_string() ? value.as_string() : std::string_view();
}

Answer ask(client::HttpClient& client, const client::HttpRequest& request, const client::Call& call,
           std::string_view who, const std::function<Answer(const client::HttpResponse&)>& read) {
  std::optional<client::HttpResponse> reply;
  try {
    reply = client.send(request, call);
  } catch (const client::NotSent& error) {
    spdlog::warn("{}: {}", who, error.what());
    return Busy{.reason = std::string(who) + " cannot be reached."};
  } catch (const Error& error) {
    spdlog::warn("{}: {}", who, error.what());
    if (error.kind() == ErrorKind::kValidation) {
      return Refused{std::string(who) + " cannot be asked: see the service's log."};
    }
    return NoAnswer{std::string(who) + " did not answer."};
  }
  return read(*reply);
}

ModelAnswer ask_for_model(client::HttpClient& client, const client::HttpRequest& request,
                          const client::Call& call, std::string_view who,
                          const std::function<bool(const client::HttpResponse&)>& is_gone) {
  const std::string name(who);
  std::string reason;
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      const client::HttpResponse reply = client.send(request, call);
      if (reply.status == 200) return {.state = ModelState::kThere};
      if (is_gone(reply)) return {.state = ModelState::kGone};
      if (reply.status == 401 || reply.status == 403) {
        return {.reason = name + " does not take our credentials"};
      }
      reason = name + " answers " + std::to_string(reply.status);
    } catch (const Error& error) {
      reason = name + " cannot be asked: " + error.what();
    }
  }
  return {.reason = std::move(reason)};
}

Answer answer_to_status(const client::HttpResponse& reply, std::string_view who,
                        std::string_view detail, bool creates, Time now) {
  const std::string name(who);
  const int status = reply.status;
  spdlog::warn("{} answers {}: {}", who, status, detail);
  auto wait = client::retry_after(reply, now);
  if (wait) wait = std::min(*wait, kLongestWait);
  if (status == 401 || status == 403) return Refused{name + " does not take our credentials."};
  if (status == 402) return Refused{name + " asks for payment: the account has no credit left."};
  if (status == 408 || status == 409 || status == 425 || status == 429) {
    return Busy{.retry_after = wait, .reason = name + " has too much to do."};
  }
  if (status >= 500) {
    if (creates && status != 503) return NoAnswer{name + " failed."};
    return Busy{.retry_after = wait, .reason = name + " is not available."};
  }
  return Refused{name + " refuses it: " + std::string(detail)};
}

}  // namespace gesso::providers
