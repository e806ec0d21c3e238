#include "gesso/providers/replicate.hpp"

#include <algorithm>
#include <charconv>

#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/domain/replicate_event.hpp"
#include "gesso/providers/http_answers.hpp"

namespace gesso::providers {

using client::HttpRequest;
using client::HttpResponse;
using domain::Prediction;
using domain::PredictionStatus;

namespace {

constexpr std::string_view kWho = "Replicate";
constexpr std::string_view kPredictions = "/v1/predictions";
// Where no webhook can reach us: an address of RFC 2606 that nobody has.
constexpr std::string_view kNoWebhook = "https://webhook.invalid/replicate";

// A field of the model's own: a number, true or false where it reads like one.
void append_parameter(bson::Builder& input, std::string_view name, std::string_view value) {
  const char* const end = value.data() + value.size();
  std::int64_t integer = 0;
  if (const auto [read, error] = std::from_chars(value.data(), end, integer);
      error == std::errc{} && read == end) {
    input.append(name, integer);
    return;
  }
  double number = 0;
  if (const auto [read, error] = std::from_chars(value.data(), end, number);
      error == std::errc{} && read == end) {
    input.append(name, number);
  } else if (value == "true" || value == "false") {
    input.append(name, value == "true");
  } else {
    input.append(name, value);
  }
}

// The inputs of SDXL (replicate/cog-sdxl, predict.py), which most models there follow; what the
// settings say of the model's own fields wins.
void append_input(bson::Builder& body, const Job& job) {
  const models::Generation& wanted = job.generation;
  const auto& own = job.model.parameters;
  const std::string_view size = job.model.size_for(wanted.image_size);
  std::int64_t width = 0;
  std::int64_t height = 0;
  const std::size_t by = size.find('x');
  if (by != std::string_view::npos) {
    std::from_chars(size.data(), size.data() + by, width);
    std::from_chars(size.data() + by + 1, size.data() + size.size(), height);
  }
  const auto input = body.document("input");
  const auto add = [&](std::string_view name, auto value) {
    if (!own.contains(name)) body.append(name, value);
  };
  add("prompt", std::string_view(wanted.prompt.str()));
  if (wanted.negative_prompt)
    add("negative_prompt", std::string_view(wanted.negative_prompt->str()));
  add("width", width);
  add("height", height);
  add("num_outputs", wanted.num_images.value());
  add("guidance_scale", wanted.guidance_scale.value());
  add("num_inference_steps", wanted.num_inference_steps.value());
  if (wanted.seed) add("seed", wanted.seed->value());
  for (const auto& [name, value] : own) append_parameter(body, name, value);
}

std::string webhook_of(const models::GenerationId& id, std::string_view webhook) {
  return std::string(webhook) + "?gen=" + id.str();
}

std::optional<Prediction> read(const HttpResponse& reply) {
  auto parsed = domain::parse_prediction(reply.body.reveal());
  if (auto* prediction = std::get_if<Prediction>(&parsed)) return std::move(*prediction);
  return std::nullopt;
}

// "Request was throttled. Your rate limit resets in ~30s."
std::optional<std::chrono::milliseconds> wait_in(std::string_view detail) {
  const std::size_t at = detail.find('~');
  if (at == std::string_view::npos) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [read, error] =
      std::from_chars(detail.data() + at + 1, detail.data() + detail.size(), seconds);
  if (error != std::errc{} || seconds < 0 || seconds > 60) return std::nullopt;
  return std::chrono::seconds(seconds);
}

std::string reason_of(const Prediction& prediction, std::string_view otherwise) {
  return prediction.error.empty() ? std::string(otherwise) : prediction.error;
}

}  // namespace

ReplicateCreate replicate_create(const Job& job, std::string_view webhook) {
  const std::string& model = job.model.model;
  const std::size_t colon = model.find(':');
  const bool is_version_alone = model.find('/') == std::string::npos;
  bson::Builder body;
  std::string path(kPredictions);
  if (colon != std::string::npos) {
    body.append("version", std::string_view(model).substr(colon + 1));
  } else if (is_version_alone) {
    body.append("version", std::string_view(model));
  } else {  // an official model
    path = "/v1/models/" + model + "/predictions";
  }
  append_input(body, job);
  body.append("webhook", webhook_of(job.generation.id, webhook.empty() ? kNoWebhook : webhook));
  {
    const auto events = body.array("webhook_events_filter");
    body.push("start").push("completed");
  }
  return {.path = std::move(path), .body = bson::to_json(body.finish().view())};
}

Replicate::Replicate(ReplicateOptions options, client::HttpClient& client, const Clock& clock)
    : options_(std::move(options)), client_(client), clock_(clock) {
  const std::string_view token = options_.token.reveal();
  if (token.empty() || !std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7F'; })) {
    throw Error(ErrorKind::kValidation, "Replicate's token: expected printable characters");
  }
}

HttpRequest Replicate::request(std::string method, const std::string& path) const {
  HttpRequest request{.method = std::move(method), .url = options_.origin + path};
  request.headers.push_back(bearer(options_.token));
  return request;
}

Answer Replicate::refusal(const HttpResponse& reply, bool creates) const {
  const auto body = json_of(reply);
  const std::string detail(body ? text_of(*body, "detail") : std::string_view());
  Answer answer = answer_to_status(reply, kWho, detail, creates, clock_.now());
  if (auto* busy = std::get_if<Busy>(&answer); busy != nullptr && !busy->retry_after) {
    busy->retry_after = wait_in(detail);
  }
  return answer;
}

Answer Replicate::begin(const Job& job, const client::Call& call) {
  ReplicateCreate create = replicate_create(job, options_.webhook);
  HttpRequest asked = request("POST", create.path);
  asked.headers.emplace_back("Content-Type", Secret(std::string("application/json")));
  asked.headers.emplace_back("Cancel-After",
                             Secret(std::to_string(options_.cancel_after.count()) + "s"));
  asked.body = Secret(std::move(create.body));
  return ask(client_, asked, call, kWho, [&](const HttpResponse& reply) -> Answer {
    if (reply.status != 200 && reply.status != 201 && reply.status != 202) {
      if (reply.status == 404) return Refused{"The provider no longer has this model."};
      return refusal(reply, true);
    }
    auto prediction = read(reply);
    if (!prediction) return NoAnswer{"Replicate's answer could not be read."};
    return Working{.id = std::move(prediction->id)};
  });
}

Answer Replicate::find(const Job& job, const client::Call& call) {
  const std::string gen = "?gen=" + job.generation.id.str();
  // None of ours is older than the first time it was asked for.
  const Time since = job.generation.provider_asked_at.value_or(job.generation.created_at) -
                     std::chrono::minutes(5);
  std::string path(kPredictions);
  for (int page = 0; page < options_.pages; ++page) {
    std::string next;
    const Answer answer =
        ask(client_, request("GET", path), call, kWho, [&](const HttpResponse& reply) -> Answer {
          const auto body = reply.status == 200 ? json_of(reply) : std::nullopt;
          if (!body) return refusal(reply, false);
          next = text_of(*body, "next");
          if (!(*body)["results"].is_array()) return Unknown{};
          for (const auto& element : (*body)["results"].as_document()) {
            if (!element.value.is_document()) continue;
            const bson::View one = element.value.as_document();
            const auto made_at = parse_iso8601(text_of(one, "created_at"));
            if (made_at && *made_at < since) next.clear();  // newest first
            const std::string_view webhook = text_of(one, "webhook");
            const std::string_view id = text_of(one, "id");
            if (webhook.ends_with(gen) && !models::ForeignId::check(id)) {
              return Working{.id = models::ForeignId(id)};
            }
          }
          return Unknown{};
        });
    if (!std::holds_alternative<Unknown>(answer) || next.empty()) return answer;
    // The next page's address is the provider's, and our token goes to our origin alone.
    const std::string prefix = options_.origin + std::string(kPredictions);
    if (!next.starts_with(prefix)) return answer;
    path = next.substr(options_.origin.size());
  }
  return Unknown{};
}

Answer Replicate::poll(const models::ForeignId& id, const client::Call& call) {
  const std::string path = std::string(kPredictions) + "/" + percent_encode(id.str());
  return ask(client_, request("GET", path), call, kWho,
             [&](const HttpResponse& reply) { return read_prediction(reply); });
}

Answer Replicate::cancel(const models::ForeignId& id, const client::Call& call) {
  const std::string path = std::string(kPredictions) + "/" + percent_encode(id.str()) + "/cancel";
  return ask(client_, request("POST", path), call, kWho,
             [&](const HttpResponse& reply) { return read_prediction(reply); });
}

ModelAnswer Replicate::look_up(const domain::ModelEntry& model, const client::Call& call) {
  const std::string_view name = std::string_view(model.model).substr(0, model.model.find(':'));
  if (name.find('/') == std::string_view::npos) {
    return {.reason = "a version alone cannot be looked up: expected owner/name:version"};
  }
  std::string path = "/v1/models/" + std::string(name);
  if (name.size() < model.model.size()) path += "/versions/" + model.model.substr(name.size() + 1);
  return ask_for_model(client_, request("GET", path), call, kWho,
                       [](const HttpResponse& reply) { return reply.status == 404; });
}

Answer Replicate::read_prediction(const HttpResponse& reply) const {
  if (reply.status == 404) return Unknown{};
  if (reply.status != 200 && reply.status != 201 && reply.status != 202) {
    // It is made and goes on, whatever our account or their gateway says.
    const Answer answer = refusal(reply, false);
    if (const auto* refused = std::get_if<Refused>(&answer)) return Busy{.reason = refused->reason};
    return answer;
  }
  auto prediction = read(reply);
  if (!prediction) return NoAnswer{"Replicate's answer could not be read."};
  if (!prediction->status) return Working{.id = prediction->id};  // a state that we do not know
  switch (*prediction->status) {
    case PredictionStatus::kSucceeded:
      if (prediction->output.empty()) return Refused{"The provider gave no image."};
      return Delivered{std::move(prediction->output)};
    case PredictionStatus::kFailed:
      return Refused{reason_of(*prediction, "The provider could not make it.")};
    case PredictionStatus::kCanceled:
      return Stopped{.had_begun = prediction->has_begun, .reason = "The provider cancelled it."};
    case PredictionStatus::kAborted:
      return Stopped{.reason = "The provider did not begin it in time."};
    case PredictionStatus::kStarting:
    case PredictionStatus::kProcessing:
      break;
  }
  return Working{.id = prediction->id};
}

}  // namespace gesso::providers
