// The stages of pipelines, by family; each family is a table in a file of its own. Internal.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/meter.hpp"
#include "gesso/localdb/language/aggregate/pipeline.hpp"

namespace gesso::localdb {

// What a stage needs while it is compiled.
struct StageBuild {
  const PipelineContext& context;
  std::vector<std::string>& collections;
  bool first = false;                     // the stage begins the pipeline
  std::optional<std::int64_t> keep = {};  // of a $sort: no more are asked of it
};

struct StageEntry {
  std::string_view name;
  StagePtr (*make)(bson::Value spec, StageBuild& build);
};

[[nodiscard]] std::span<const StageEntry> basic_stages();
[[nodiscard]] std::span<const StageEntry> group_stages();
[[nodiscard]] std::span<const StageEntry> unwind_stages();
[[nodiscard]] std::span<const StageEntry> join_stages();

// All stages of `specs`, in order.
[[nodiscard]] std::vector<StagePtr> compile_stages(bson::View specs, StageBuild& build);
// One stage that is several: what $bucket and $sortByCount are short for.
[[nodiscard]] StagePtr make_composite(bson::View specs, StageBuild& build);
[[nodiscard]] SourcePtr open_stages(std::span<const StagePtr> stages, SourcePtr input,
                                    const PipelineContext& context);

// For a document that passes through a stage: it is walked, copied or kept.
inline void charge_document(bson::View document) { charge(256 + document.size()); }

// A skip or limit: integral, of any number type. std::nullopt for anything else.
[[nodiscard]] std::optional<std::int64_t> whole_number(bson::Value value);

}  // namespace gesso::localdb
