#include "gesso/localdb/language/aggregate/pipeline.hpp"

#include <algorithm>
#include <array>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/stages.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Value;
using bson::View;

constexpr std::array<std::string_view, 24> kUnsupported = {"$out",
                                                           "$merge",
                                                           "$graphLookup",
                                                           "$geoNear",
                                                           "$redact",
                                                           "$bucketAuto",
                                                           "$setWindowFields",
                                                           "$densify",
                                                           "$fill",
                                                           "$changeStream",
                                                           "$collStats",
                                                           "$indexStats",
                                                           "$currentOp",
                                                           "$listSessions",
                                                           "$listLocalSessions",
                                                           "$planCacheStats",
                                                           "$search",
                                                           "$searchMeta",
                                                           "$vectorSearch",
                                                           "$listSearchIndexes",
                                                           "$querySettings",
                                                           "$shardedDataDistribution",
                                                           "$listSampledQueries",
                                                           "$changeStreamSplitLargeEvent"};

const StageEntry* find_stage(std::string_view name) {
  for (const auto& table : {basic_stages(), group_stages(), unwind_stages(), join_stages()}) {
    const auto found = std::ranges::find(table, name, &StageEntry::name);
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

// {name: specification}
Element stage_of(Value spec) {
  if (!spec.is_document()) {
    throw CommandError(ErrorCode::kTypeMismatch,
                       "Each element of the 'pipeline' array must be an object");
  }
  const View document = spec.as_document();
  if (document.count() != 1) {
    throw CommandError(40323,
                       "A pipeline stage specification object must contain exactly one field.");
  }
  return *document.begin();
}

// How many documents the stages behind a $sort ask for, where they say so.
std::optional<std::int64_t> wanted_behind(std::span<const Element> stages) {
  std::int64_t skipped = 0;
  for (const Element& stage : stages) {
    const auto number = whole_number(stage.value);
    if (!number || *number < 0) return std::nullopt;
    if (stage.key == "$skip") {
      if (__builtin_add_overflow(skipped, *number, &skipped)) return std::nullopt;
    } else if (stage.key == "$limit") {
      std::int64_t wanted = 0;
      if (__builtin_add_overflow(skipped, *number, &wanted)) return std::nullopt;
      return wanted;
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

class Composite final : public Stage {
  std::vector<StagePtr> stages_;

 public:
  explicit Composite(std::vector<StagePtr> stages) : stages_(std::move(stages)) {}
  SourcePtr open(SourcePtr input, const PipelineContext& context) const override {
    return open_stages(stages_, std::move(input), context);
  }
};

std::vector<Element> elements_of(View specs) {
  std::vector<Element> stages;
  for (const Element& element : specs) stages.push_back(stage_of(element.value));
  return stages;
}

// The filter of several $match stages.
bson::Document conjunction_of(std::span<const Element> matches) {
  if (matches.empty()) return {};
  if (matches.size() == 1) return bson::Document(matches[0].value.as_document());
  bson::Builder filter;
  filter.open_array("$and");
  for (const Element& match : matches) filter.push(match.value);
  filter.close();
  return filter.finish();
}

}  // namespace

std::vector<StagePtr> compile_stages(View specs, StageBuild& build) {
  const std::vector<Element> elements = elements_of(specs);
  std::vector<StagePtr> stages;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const Element& stage = elements[i];
    const StageEntry* const entry = find_stage(stage.key);
    if (entry == nullptr) {
      const std::string name(stage.key);
      if (std::ranges::find(kUnsupported, stage.key) != kUnsupported.end()) {
        throw CommandError(ErrorCode::kCommandNotSupported,
                           "the stage " + name + " is not supported");
      }
      throw CommandError(40324, "Unrecognized pipeline stage name: '" + name + "'");
    }
    build.first = i == 0;
    build.keep = wanted_behind(std::span(elements).subspan(i + 1));
    stages.push_back(entry->make(stage.value, build));
  }
  return stages;
}

StagePtr make_composite(View specs, StageBuild& build) {
  return std::make_unique<Composite>(compile_stages(specs, build));
}

SourcePtr open_stages(std::span<const StagePtr> stages, SourcePtr input,
                      const PipelineContext& context) {
  for (const StagePtr& stage : stages) input = stage->open(std::move(input), context);
  return input;
}

bool is_stage(std::string_view name) {
  return find_stage(name) != nullptr || std::ranges::find(kUnsupported, name) != kUnsupported.end();
}

Pipeline Pipeline::compile(View stages, const PipelineContext& context) {
  Pipeline pipeline;
  StageBuild build{.context = context, .collections = pipeline.collections_};
  pipeline.stages_ = compile_stages(stages, build);

  const std::vector<Element> elements = elements_of(stages);
  std::size_t next = 0;
  const auto at = [&](std::string_view name) {
    return next < elements.size() && elements[next].key == name;
  };
  pipeline.has_own_input_ = at("$documents");
  while (at("$match")) ++next;
  pipeline.leading_.filter = conjunction_of(std::span(elements).first(next));
  if (at("$sort")) pipeline.leading_.sort = bson::Document(elements[next++].value.as_document());
  if (at("$skip")) pipeline.leading_.skip = whole_number(elements[next++].value);
  if (at("$limit")) pipeline.leading_.limit = whole_number(elements[next++].value);
  pipeline.leading_count_ = next;
  return pipeline;
}

SourcePtr Pipeline::open(SourcePtr input, const PipelineContext& context) const {
  return open_stages(stages_, std::move(input), context);
}

SourcePtr Pipeline::open_rest(SourcePtr input, const PipelineContext& context) const {
  return open_stages(std::span(stages_).subspan(leading_count_), std::move(input), context);
}

}  // namespace gesso::localdb
