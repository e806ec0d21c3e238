#include "gesso/providers/openai.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>

#include "gesso/base/base64.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/images/raster.hpp"
#include "gesso/providers/http_answers.hpp"

namespace gesso::providers {

using client::HttpRequest;
using client::HttpResponse;

namespace {

constexpr std::string_view kWho = "OpenAI";

std::string body_of(const Job& job) {
  bson::Builder body;
  body.append("model", job.model.model);
  body.append("prompt", job.generation.prompt.str());
  body.append("n", job.generation.num_images.value());
  body.append("size", job.model.size_for(job.generation.image_size));
  for (const auto& [name, value] : job.model.parameters) body.append(name, value);
  return bson::to_json(body.finish().view());
}

Answer read_images(const HttpResponse& reply) {
  // Not as BSON: an image is larger than a document may be.
  boost::json::error_code error;
  const boost::json::value body = boost::json::parse(reply.body.reveal(), error);
  const auto* object = error ? nullptr : body.if_object();
  const auto* data = object != nullptr ? object->if_contains("data") : nullptr;
  if (data == nullptr || !data->is_array()) return NoAnswer{"OpenAI's answer could not be read."};
  Painted painted;
  for (const boost::json::value& one : data->get_array()) {
    const auto* item = one.if_object();
    const auto* text = item != nullptr ? item->if_contains("b64_json") : nullptr;
    if (text == nullptr || !text->is_string()) continue;
    auto bytes = base64_decode(std::string_view(text->get_string()));
    if (!bytes) continue;
    const auto format = images::format_of(*bytes);
    painted.images.push_back(
        {.bytes = *std::move(bytes), .type = std::string(images::media_type(format))});
  }
  if (painted.images.empty()) return Refused{"The provider gave no image."};
  return painted;
}

// {"error": {"message", "type", "param", "code"}}
struct Problem {
  std::string code;
  std::string message;
};

Problem problem_of(const HttpResponse& reply) {
  const auto body = json_of(reply);
  if (!body || !(*body)["error"].is_document()) return {};
  const bson::View error = (*body)["error"].as_document();
  return {.code = std::string(text_of(error, "code")),
          .message = std::string(text_of(error, "message"))};
}

bool is_without_model(const HttpResponse& reply) {
  return reply.status == 404 || problem_of(reply).code == "model_not_found";
}

}  // namespace

Openai::Openai(OpenaiOptions options, client::HttpClient& client, const Clock& clock)
    : options_(std::move(options)), client_(client), clock_(clock) {
  const std::string_view key = options_.key.reveal();
  if (key.empty() || !std::ranges::all_of(key, [](char c) { return c > ' ' && c < '\x7F'; })) {
    throw Error(ErrorKind::kValidation, "OpenAI's key: expected printable characters");
  }
}

Answer Openai::begin(const Job& job, const client::Call& call) {
  HttpRequest request{.method = "POST", .url = options_.origin + "/v1/images/generations"};
  request.timeout = std::chrono::minutes(10);  // the call's own deadline ends it before
  request.headers.push_back(bearer(options_.key));
  request.headers.emplace_back("Content-Type", Secret(std::string("application/json")));
  request.body = Secret(body_of(job));
  return ask(client_, request, call, kWho, [&](const HttpResponse& reply) -> Answer {
    if (reply.status == 200) return read_images(reply);
    const Problem problem = problem_of(reply);
    if (is_without_model(reply)) {
      return Refused{"The provider no longer has this model."};
    }
    if (problem.code == "moderation_blocked" || problem.code == "content_policy_violation") {
      return Refused{"The provider does not paint this: " + problem.message};
    }
    // Money, which no waiting brings.
    if (problem.code == "insufficient_quota" || problem.code == "billing_hard_limit_reached") {
      return Refused{"OpenAI asks for payment: the account has no credit left."};
    }
    return answer_to_status(reply, kWho, problem.message, true, clock_.now());
  });
}

ModelAnswer Openai::look_up(const domain::ModelEntry& model, const client::Call& call) {
  HttpRequest request{.url = options_.origin + "/v1/models/" + percent_encode(model.model)};
  request.headers.push_back(bearer(options_.key));
  return ask_for_model(client_, request, call, kWho, is_without_model);
}

}  // namespace gesso::providers
