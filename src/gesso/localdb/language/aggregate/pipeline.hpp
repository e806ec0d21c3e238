// Aggregation pipelines: stages compiled once, then a chain of sources that documents are pulled
// through.
//
//   Pipeline pipeline = Pipeline::compile(stages, context);
//   auto plan = plan_for(pipeline.leading());          // the storage's part
//   auto output = pipeline.open(open(plan), context);
//   while (auto document = output->next()) reply(*document);
//
// A Pipeline is immutable and owns what it needs of its stages; the sources that `open` makes
// borrow it and the context, and belong to one thread. Nothing here blocks but what the input does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/language/match/sort.hpp"

namespace gesso::localdb {

// Documents, one at a time.
class DocumentSource {
 public:
  DocumentSource() = default;
  DocumentSource(const DocumentSource&) = delete;
  DocumentSource& operator=(const DocumentSource&) = delete;
  virtual ~DocumentSource() = default;

  // std::nullopt at the end, and ever after. The view is valid until the next call or the end of
  // this source.
  [[nodiscard]] virtual std::optional<bson::View> next() = 0;
};

using SourcePtr = std::unique_ptr<DocumentSource>;

// What stages need from around them. Outlives the pipeline's sources.
struct PipelineContext {
  Variables variables = {};
  // The documents of another collection of the same database that match; null when there is no
  // such collection. For $lookup and $unionWith, which fail with 115 without it.
  std::function<SourcePtr(std::string_view collection, bson::View filter)> look_up = {};
  // Uniform in [0, 1); for $sample, which fails with 115 without it.
  std::function<double()> random = {};
  // Bytes, of each stage that keeps documents; beyond it CommandError 292.
  std::size_t memory_limit = 100 * 1024 * 1024;
};

// One stage, compiled.
class Stage {
 public:
  Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  virtual ~Stage() = default;

  [[nodiscard]] virtual SourcePtr open(SourcePtr input, const PipelineContext& context) const = 0;
};

using StagePtr = std::unique_ptr<const Stage>;

// What a pipeline begins with that a planner can do instead: in the order of a `find`, that is
// filter, sort, skip, limit. Commands that take all of it open the rest; see `open_rest`. The
// filter is to be compiled with the variables of the pipeline's context.
struct LeadingStages {
  bson::Document filter = {};  // `{}`: all documents
  bson::Document sort = {};    // `{}`: none
  std::optional<std::int64_t> skip = {};
  std::optional<std::int64_t> limit = {};
};

// Whether there is a stage of that name, be it one that is not supported.
[[nodiscard]] bool is_stage(std::string_view name);

class Pipeline {
  std::vector<StagePtr> stages_;
  LeadingStages leading_;
  std::size_t leading_count_ = 0;
  bool has_own_input_ = false;
  std::vector<std::string> collections_;

  Pipeline() = default;

 public:
  // `stages` is an array of documents. Throws CommandError: 40323 for a stage that is not one
  // field, 40324 for an unknown one, 115 for one that is not supported ($out, $merge, ...).
  [[nodiscard]] static Pipeline compile(bson::View stages, const PipelineContext& context);

  [[nodiscard]] const LeadingStages& leading() const noexcept { return leading_; }
  // How many stages `leading()` stands for; all of them: `open_rest` adds nothing.
  [[nodiscard]] std::size_t leading_count() const noexcept { return leading_count_; }
  [[nodiscard]] std::size_t stage_count() const noexcept { return stages_.size(); }
  // Whether the first stage ($documents) makes its own input, so that none is read.
  [[nodiscard]] bool has_own_input() const noexcept { return has_own_input_; }
  // Collections that $lookup and $unionWith read.
  [[nodiscard]] const std::vector<std::string>& collections() const noexcept {
    return collections_;
  }
  [[nodiscard]] bool empty() const noexcept { return stages_.empty(); }

  // All stages over `input`, which may be null when the pipeline has its own.
  [[nodiscard]] SourcePtr open(SourcePtr input, const PipelineContext& context) const;
  // The stages behind `leading()`, over an input that has done all that says.
  [[nodiscard]] SourcePtr open_rest(SourcePtr input, const PipelineContext& context) const;
};

// Sorts its input, in memory; with a limit keeps no more than that many. Stable. For `find` too.
[[nodiscard]] SourcePtr open_sort(SourcePtr input, SortSpec spec, std::optional<std::int64_t> limit,
                                  const PipelineContext& context);
// Leaves the first `skip` out and ends after `limit`.
[[nodiscard]] SourcePtr open_skip(SourcePtr input, std::int64_t skip);
[[nodiscard]] SourcePtr open_limit(SourcePtr input, std::int64_t limit);
// The documents that match; borrows the matcher.
[[nodiscard]] SourcePtr open_match(SourcePtr input, const Matcher& matcher);

}  // namespace gesso::localdb
