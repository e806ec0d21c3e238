#include "gesso/domain/replicate_event.hpp"

#include <algorithm>
#include <utility>

#include "gesso/base/error.hpp"
#include "gesso/schema/json.hpp"

namespace gesso::domain {

using bson::Value;
using models::ForeignId;
using models::GenerationId;

namespace {

constexpr std::string_view kGenerationParameter = "gen=";

std::string_view text_of(Value value) {
  return value.is_string() ? value.as_string() : std::string_view();
}

// A file that the provider keeps. What a model puts out may be text, too.
void add_url(std::vector<models::Url>& urls, Value value) {
  const std::string_view text = text_of(value);
  const bool is_address = text.starts_with("https://") || text.starts_with("http://");
  if (is_address && !models::Url::check(text)) urls.emplace_back(text);
}

// One file, or a list of them.
std::vector<models::Url> urls_of(Value output) {
  std::vector<models::Url> urls;
  if (output.is_array()) {
    for (const bson::Element& element : output.as_document()) add_url(urls, element.value);
  } else {
    add_url(urls, output);
  }
  return urls;
}

std::optional<GenerationId> generation_of(std::string_view address) {
  const std::size_t question = address.find('?');
  if (question == std::string_view::npos) return std::nullopt;
  std::string_view query = address.substr(question + 1);
  query = query.substr(0, query.find('#'));
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    if (one.starts_with(kGenerationParameter)) {
      return GenerationId::parse(one.substr(kGenerationParameter.size()));
    }
  }
  return std::nullopt;
}

}  // namespace

std::variant<Prediction, MalformedEvent> parse_prediction(std::string_view body) {
  bson::Document object;
  try {
    object = schema::parse_json(body);
  } catch (const Error&) {
    return MalformedEvent{"it is no JSON object"};
  }
  const std::string_view id = text_of(object["id"]);
  if (ForeignId::check(id)) return MalformedEvent{"it has no id"};
  const std::string_view status = text_of(object["status"]);
  if (status.empty()) return MalformedEvent{"it has no status"};
  return Prediction{.id = ForeignId(id),
                    .status = schema::parse_enum<PredictionStatus>(status),
                    .output = urls_of(object["output"]),
                    .error = std::string(text_of(object["error"])),
                    .has_begun = !text_of(object["started_at"]).empty(),
                    .generation_id = generation_of(text_of(object["webhook"]))};
}

}  // namespace gesso::domain
