// $match, $sort, $skip, $limit, $count, $sample, $documents and the stages that map one document
// to one.
#include <algorithm>
#include <array>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/expression.hpp"
#include "gesso/localdb/language/aggregate/stages.hpp"
#include "gesso/localdb/language/aggregate/transform.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Value;
using bson::View;

class MatchSource final : public DocumentSource {
  SourcePtr input_;
  const Matcher& matcher_;

 public:
  MatchSource(SourcePtr input, const Matcher& matcher)
      : input_(std::move(input)), matcher_(matcher) {}
  std::optional<View> next() override {
    while (auto document = input_->next()) {
      if (matcher_.matches(*document)) return document;
    }
    return std::nullopt;
  }
};

class MatchStage final : public Stage {
  Matcher matcher_;

 public:
  explicit MatchStage(Matcher matcher) : matcher_(std::move(matcher)) {}
  SourcePtr open(SourcePtr input, const PipelineContext& /*context*/) const override {
    return open_match(std::move(input), matcher_);
  }
};

StagePtr make_match(Value spec, StageBuild& build) {
  if (!spec.is_document()) {
    throw CommandError(15959, "the match filter must be an expression in an object");
  }
  return std::make_unique<MatchStage>(
      Matcher::compile(spec.as_document(), build.context.variables));
}

class SkipSource final : public DocumentSource {
  SourcePtr input_;
  std::int64_t left_;

 public:
  SkipSource(SourcePtr input, std::int64_t skip) : input_(std::move(input)), left_(skip) {}
  std::optional<View> next() override {
    for (; left_ > 0; --left_) {
      if (!input_->next()) {
        left_ = 0;
        return std::nullopt;
      }
    }
    return input_->next();
  }
};

class LimitSource final : public DocumentSource {
  SourcePtr input_;
  std::int64_t left_;

 public:
  LimitSource(SourcePtr input, std::int64_t limit) : input_(std::move(input)), left_(limit) {}
  std::optional<View> next() override {
    if (left_ <= 0) return std::nullopt;
    --left_;
    return input_->next();
  }
};

class SkipStage final : public Stage {
  std::int64_t skip_;

 public:
  explicit SkipStage(std::int64_t skip) : skip_(skip) {}
  SourcePtr open(SourcePtr input, const PipelineContext& /*context*/) const override {
    return open_skip(std::move(input), skip_);
  }
};

class LimitStage final : public Stage {
  std::int64_t limit_;

 public:
  explicit LimitStage(std::int64_t limit) : limit_(limit) {}
  SourcePtr open(SourcePtr input, const PipelineContext& /*context*/) const override {
    return open_limit(std::move(input), limit_);
  }
};

StagePtr make_skip(Value spec, StageBuild&) {
  const auto skip = whole_number(spec);
  if (!skip || *skip < 0) {
    throw CommandError(
        5107200, "invalid argument to $skip stage: Expected a non-negative number in: $skip: " +
                     value_text(spec));
  }
  return std::make_unique<SkipStage>(*skip);
}

StagePtr make_limit(Value spec, StageBuild&) {
  const auto limit = whole_number(spec);
  if (!limit || *limit < 0) {
    throw CommandError(5107201, "invalid argument to $limit stage: Expected a number in: $limit: " +
                                    value_text(spec));
  }
  if (*limit == 0) throw CommandError(15958, "the limit must be positive");
  return std::make_unique<LimitStage>(*limit);
}

class SortStage final : public Stage {
  SortSpec spec_;
  std::optional<std::int64_t> keep_;

 public:
  SortStage(SortSpec spec, std::optional<std::int64_t> keep)
      : spec_(std::move(spec)), keep_(keep) {}
  SourcePtr open(SourcePtr input, const PipelineContext& context) const override {
    return open_sort(std::move(input), spec_, keep_, context);
  }
};

StagePtr make_sort(Value spec, StageBuild& build) {
  if (!spec.is_document()) {
    throw CommandError(15973, "the $sort key specification must be an object");
  }
  SortSpec sort = SortSpec::parse(spec.as_document());
  if (sort.empty()) throw CommandError(15976, "$sort stage must have at least one sort key");
  return std::make_unique<SortStage>(std::move(sort), build.keep);
}

class TransformSource final : public DocumentSource {
  SourcePtr input_;
  const DocumentTransform& transform_;
  bson::Document current_;

 public:
  TransformSource(SourcePtr input, const DocumentTransform& transform)
      : input_(std::move(input)), transform_(transform) {}
  std::optional<View> next() override {
    const auto document = input_->next();
    if (!document) return std::nullopt;
    current_ = transform_.apply(*document);
    return current_.view();
  }
};

class TransformStage final : public Stage {
  DocumentTransformPtr transform_;

 public:
  explicit TransformStage(DocumentTransformPtr transform) : transform_(std::move(transform)) {}
  SourcePtr open(SourcePtr input, const PipelineContext& /*context*/) const override {
    return std::make_unique<TransformSource>(std::move(input), *transform_);
  }
};

template <const char* kName>
StagePtr make_transform_stage(Value spec, StageBuild& build) {
  return std::make_unique<TransformStage>(make_transform(kName, spec, build.context.variables));
}

class CountSource final : public DocumentSource {
  SourcePtr input_;
  const std::string& field_;
  bson::Document result_;
  bool done_ = false;

 public:
  CountSource(SourcePtr input, const std::string& field)
      : input_(std::move(input)), field_(field) {}
  std::optional<View> next() override {
    if (done_) return std::nullopt;
    done_ = true;
    std::int64_t count = 0;
    while (const auto document = input_->next()) {
      ++count;
      charge_document(*document);
    }
    if (count == 0) return std::nullopt;
    bson::Builder builder;
    if (count <= INT32_MAX) {
      builder.append(field_, static_cast<std::int32_t>(count));
    } else {
      builder.append(field_, count);
    }
    result_ = builder.finish();
    return result_.view();
  }
};

class CountStage final : public Stage {
  std::string field_;

 public:
  explicit CountStage(std::string_view field) : field_(field) {}
  SourcePtr open(SourcePtr input, const PipelineContext&) const override {
    return std::make_unique<CountSource>(std::move(input), field_);
  }
};

StagePtr make_count(Value spec, StageBuild&) {
  if (!spec.is_string() || spec.as_string().empty()) {
    throw CommandError(40156, "the count field must be a non-empty string");
  }
  const std::string_view field = spec.as_string();
  if (field.starts_with('$')) {
    throw CommandError(40158, "the count field cannot be a $-prefixed path");
  }
  if (field.find('\0') != std::string_view::npos) {
    throw CommandError(40159, "the count field cannot contain a null byte");
  }
  if (field.find('.') != std::string_view::npos) {
    throw CommandError(40160, "the count field cannot contain '.'");
  }
  return std::make_unique<CountStage>(field);
}

// Documents that are kept, one after another.
class ListSource final : public DocumentSource {
  std::vector<bson::Document> documents_;
  std::size_t next_ = 0;

 public:
  explicit ListSource(std::vector<bson::Document> documents) : documents_(std::move(documents)) {}
  std::optional<View> next() override {
    if (next_ == documents_.size()) return std::nullopt;
    return documents_[next_++].view();
  }
};

// Keeps each document with the same chance (reservoir sampling).
class SampleStage final : public Stage {
  std::size_t size_;

 public:
  explicit SampleStage(std::size_t size) : size_(size) {}
  SourcePtr open(SourcePtr input, const PipelineContext& context) const override {
    if (!context.random) {
      throw CommandError(ErrorCode::kCommandNotSupported, "$sample is not supported here");
    }
    std::vector<bson::Document> kept;
    std::size_t seen = 0;
    std::size_t bytes = 0;
    while (const auto document = input->next()) {
      charge_document(*document);
      ++seen;
      if (kept.size() < size_) {
        bytes += document->size();
        if (bytes > context.memory_limit) {
          throw CommandError(ErrorCode::kQueryExceededMemoryLimit,
                             "$sample exceeded its memory limit");
        }
        kept.emplace_back(*document);
      } else {
        const auto place = static_cast<std::size_t>(context.random() * static_cast<double>(seen));
        if (place < size_) kept[place] = bson::Document(*document);
      }
    }
    for (std::size_t i = kept.size(); i > 1; --i) {
      std::swap(kept[i - 1],
                kept[static_cast<std::size_t>(context.random() * static_cast<double>(i))]);
    }
    return std::make_unique<ListSource>(std::move(kept));
  }
};

StagePtr make_sample(Value spec, StageBuild&) {
  if (!spec.is_document()) {
    throw CommandError(28745, "the $sample stage specification must be an object");
  }
  Value size;
  for (const bson::Element& element : spec.as_document()) {
    if (element.key != "size") {
      throw CommandError(28748, "unrecognized option to $sample: " + std::string(element.key));
    }
    size = element.value;
  }
  if (size.is_missing()) throw CommandError(28749, "$sample stage must specify a size");
  if (!size.is_number()) throw CommandError(28746, "size argument to $sample must be a number");
  if (!(size.number() >= 0)) {
    throw CommandError(28747, "size argument to $sample must not be negative");
  }
  const double bounded = std::min(size.number(), 1e15);
  return std::make_unique<SampleStage>(static_cast<std::size_t>(bounded));
}

class DocumentsStage final : public Stage {
  std::vector<bson::Document> documents_;

 public:
  explicit DocumentsStage(std::vector<bson::Document> documents)
      : documents_(std::move(documents)) {}
  SourcePtr open(SourcePtr /*input*/, const PipelineContext& /*context*/) const override {
    return std::make_unique<ListSource>(documents_);
  }
};

StagePtr make_documents(Value spec, StageBuild& build) {
  if (!build.first) {
    throw CommandError(40602, "$documents is only valid as the first stage in a pipeline");
  }
  ExpressionScope scope(build.context.variables);
  const ExpressionPtr expression = compile_expression(spec, scope);
  Arena arena(build.context.memory_limit);
  const bson::Document no_document;
  Evaluation evaluation(no_document, arena, scope);
  const Value list = expression->evaluate(evaluation);
  if (!list.is_array()) throw CommandError(5858203, "an array is expected for $documents");
  std::vector<bson::Document> documents;
  for (const bson::Element& element : list.as_document()) {
    if (!element.value.is_document()) {
      throw CommandError(
          40228, "$documents expects an array of objects, found " + value_text(element.value));
    }
    documents.emplace_back(element.value.as_document());
  }
  return std::make_unique<DocumentsStage>(std::move(documents));
}

constexpr char kProject[] = "$project";
constexpr char kAddFields[] = "$addFields";
constexpr char kSet[] = "$set";
constexpr char kUnset[] = "$unset";
constexpr char kReplaceRoot[] = "$replaceRoot";
constexpr char kReplaceWith[] = "$replaceWith";

constexpr std::array kStages = {
    StageEntry{"$match", make_match},
    StageEntry{"$sort", make_sort},
    StageEntry{"$skip", make_skip},
    StageEntry{"$limit", make_limit},
    StageEntry{"$count", make_count},
    StageEntry{"$sample", make_sample},
    StageEntry{"$documents", make_documents},
    StageEntry{kProject, make_transform_stage<kProject>},
    StageEntry{kAddFields, make_transform_stage<kAddFields>},
    StageEntry{kSet, make_transform_stage<kSet>},
    StageEntry{kUnset, make_transform_stage<kUnset>},
    StageEntry{kReplaceRoot, make_transform_stage<kReplaceRoot>},
    StageEntry{kReplaceWith, make_transform_stage<kReplaceWith>},
};

}  // namespace

std::optional<std::int64_t> whole_number(Value value) {
  return value.is_number() ? value.integer() : std::nullopt;
}

std::span<const StageEntry> basic_stages() { return kStages; }

SourcePtr open_skip(SourcePtr input, std::int64_t skip) {
  return std::make_unique<SkipSource>(std::move(input), skip);
}

SourcePtr open_limit(SourcePtr input, std::int64_t limit) {
  return std::make_unique<LimitSource>(std::move(input), limit);
}

SourcePtr open_match(SourcePtr input, const Matcher& matcher) {
  return std::make_unique<MatchSource>(std::move(input), matcher);
}

}  // namespace gesso::localdb
