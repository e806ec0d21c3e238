// Reads what Replicate sends: the prediction object of a webhook's body (replicate.com/docs/topics/
// webhooks/receive-webhook). Pure functions; thread-safe. They never throw for what is in the text.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gesso/domain/malformed_event.hpp"
#include "gesso/models/generation.hpp"

namespace gesso::domain {

// As Replicate spells them. `aborted`: its deadline passed before it began.
enum class PredictionStatus { kStarting, kProcessing, kSucceeded, kFailed, kCanceled, kAborted };
constexpr auto wire_texts(PredictionStatus) {
  return std::to_array<std::string_view>(
      {"starting", "processing", "succeeded", "failed", "canceled", "aborted"});
}

struct Prediction {
  models::ForeignId id;
  std::optional<PredictionStatus> status = {};  // absent: one that is not known here
  std::vector<models::Url> output = {};         // of the images; what else it holds is left out
  std::string error = {};
  bool has_begun = false;  // it has a moment at which it started
  // The generation that the address of its webhook names, `...?gen=<id>`, where it tells it.
  std::optional<models::GenerationId> generation_id = {};
};

[[nodiscard]] std::variant<Prediction, MalformedEvent> parse_prediction(std::string_view body);

}  // namespace gesso::domain
