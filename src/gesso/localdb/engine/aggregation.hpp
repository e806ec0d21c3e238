// An aggregation, checked and compiled: what `aggregate` runs and `explain` describes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/query.hpp"
#include "gesso/localdb/language/aggregate/pipeline.hpp"

namespace gesso::localdb {

// The documents of a plan, as a pipeline takes them.
class PlanSource final : public DocumentSource {
  Execution execution_;

 public:
  explicit PlanSource(Execution execution) : execution_(std::move(execution)) {}

  std::optional<bson::View> next() override;
};

struct Aggregation {
  std::string collection;  // "" for `aggregate: 1`
  std::string ns;
  bson::Document stages;  // the array, without a first stage of the server's own
  // The documents of a first stage that tells about the server ($collStats, $currentOp, ...).
  std::optional<std::vector<bson::Document>> own_documents;
  PipelineContext context;
  std::optional<Pipeline> pipeline;
  MatcherPtr filter;
  bson::Value hint;

  // What the plan answers of it; the rest is the pipeline's.
  [[nodiscard]] PlanRequest request() const;
};

// Borrows the message and `snapshot`. Throws CommandError.
[[nodiscard]] Aggregation parse_aggregation(const Context& context, const Transaction& snapshot);

}  // namespace gesso::localdb
