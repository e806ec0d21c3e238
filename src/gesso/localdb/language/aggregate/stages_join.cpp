// Stages that run pipelines of their own: $lookup, $unionWith and $facet.
#include <algorithm>
#include <array>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/aggregate/set_path.hpp"
#include "gesso/localdb/language/aggregate/stages.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;

[[noreturn]] void fail(const std::string& message) {
  throw CommandError(ErrorCode::kFailedToParse, message);
}

class EmptySource final : public DocumentSource {
 public:
  std::optional<View> next() override { return std::nullopt; }
};

SourcePtr look_up(const PipelineContext& context, std::string_view collection, View filter) {
  if (!context.look_up) {
    throw CommandError(ErrorCode::kCommandNotSupported,
                       "reading another collection is not supported here");
  }
  SourcePtr documents = context.look_up(collection, filter);
  return documents ? std::move(documents) : std::make_unique<EmptySource>();
}

void require_within_limit(std::size_t bytes, const PipelineContext& context, const char* name) {
  if (bytes <= context.memory_limit) return;
  throw CommandError(ErrorCode::kQueryExceededMemoryLimit,
                     std::string(name) + " exceeded its memory limit of " +
                         std::to_string(context.memory_limit) + " bytes");
}

// ---- $lookup

struct LookupPlan {
  std::string from;
  FieldPath as;
  std::optional<FieldPath> local;
  std::string foreign;
  std::optional<bson::Document> stages;  // an array
  ExpressionScope scope;
  std::vector<std::pair<std::string, ExpressionPtr>> let;
};

// The values at a path, arrays taken apart.
void collect(Value value, const FieldPath& path, std::size_t depth, std::vector<Value>& values) {
  if (value.is_array()) {
    for (const Element& element : value.as_document()) {
      const bool nested = depth == path.size() && element.value.is_array();
      if (nested) {
        values.push_back(element.value);
      } else {
        collect(element.value, path, depth, values);
      }
    }
  } else if (depth == path.size()) {
    if (!value.is_missing()) values.push_back(value);
  } else if (value.is_document()) {
    collect(value.as_document()[path[depth]], path, depth + 1, values);
  }
}

class LookupSource final : public DocumentSource {
  SourcePtr input_;
  const LookupPlan& plan_;
  const PipelineContext& context_;
  bson::Document current_;
  // Without variables the pipeline is the same for all documents.
  std::optional<Pipeline> pipeline_;

 public:
  LookupSource(SourcePtr input, const LookupPlan& plan, const PipelineContext& context)
      : input_(std::move(input)), plan_(plan), context_(context) {
    if (plan_.stages && plan_.let.empty()) {
      pipeline_ = Pipeline::compile(*plan_.stages, context_);
    }
  }

  std::optional<View> next() override {
    const auto document = input_->next();
    if (!document) return std::nullopt;
    const bson::Array found(joined(*document));
    current_ = set_path(*document, plan_.as, Value(Type::kArray, found.items.data()));
    return current_.view();
  }

 private:
  bson::Document joined(View document) {
    const bson::Document filter = plan_.local ? equality_filter(document) : bson::Document{};
    SourcePtr others = look_up(context_, plan_.from, filter);
    if (!plan_.stages) return collect_all(*others);
    if (pipeline_) return collect_all(*pipeline_->open(std::move(others), context_));
    PipelineContext inner = context_;
    inner.variables.let = bindings(document);
    const Pipeline pipeline = Pipeline::compile(*plan_.stages, inner);
    return collect_all(*pipeline.open(std::move(others), inner));
  }

  // {foreign: {$eq: value}}, or an $or of several; as $eq, so that a regular expression is a value.
  bson::Document equality_filter(View document) const {
    std::vector<Value> values;
    const Value root(Type::kDocument, document.data());
    collect(root, *plan_.local, 0, values);
    const bool empty_array = values.empty() && document.at_path(plan_.local->dotted()).is_array();
    if (values.empty() && !empty_array) values.push_back(Arena::null());
    const bool has_regex =
        std::ranges::any_of(values, [](Value value) { return value.is(Type::kRegex); });
    if (!has_regex) {
      bson::Builder list;
      for (const Value value : values) list.push(value);
      return bson::make_document(plan_.foreign,
                                 values.size() == 1
                                     ? bson::make_document("$eq", values[0])
                                     : bson::make_document("$in", bson::Array(list.finish())));
    }
    bson::Builder branches;
    for (const Value value : values) {
      branches.push(bson::make_document(plan_.foreign, bson::make_document("$eq", value)));
    }
    return bson::make_document("$or", bson::Array(branches.finish()));
  }

  bson::Document bindings(View document) const {
    Arena arena(context_.memory_limit);
    Evaluation evaluation(document, arena, plan_.scope);
    bson::Builder builder;
    builder.append_all(context_.variables.let);
    for (const auto& [name, expression] : plan_.let) {
      const Value value = expression->evaluate(evaluation);
      builder.append(name, value.is_missing() ? Arena::null() : value);
    }
    return builder.finish();
  }

  bson::Document collect_all(DocumentSource& source) const {
    bson::Builder list;
    while (const auto document = source.next()) {
      charge_document(*document);
      list.push(*document);
      require_within_limit(list.size(), context_, "$lookup");
    }
    return list.finish();
  }
};

class LookupStage final : public Stage {
  LookupPlan plan_;

 public:
  explicit LookupStage(LookupPlan plan) : plan_(std::move(plan)) {}
  SourcePtr open(SourcePtr input, const PipelineContext& context) const override {
    return std::make_unique<LookupSource>(std::move(input), plan_, context);
  }
};

std::string_view text_option(const Element& option) {
  if (!option.value.is_string()) {
    fail("$lookup argument '" + std::string(option.key) + "' must be a string, found " +
         type_text(option.value));
  }
  return option.value.as_string();
}

void parse_let(Value let, LookupPlan& plan) {
  if (!let.is_document()) fail("$lookup argument 'let' must be an object");
  for (const Element& variable : let.as_document()) {
    check_variable_name(variable.key);
    plan.let.emplace_back(variable.key, compile_expression(variable.value, plan.scope));
  }
}

// Refuses now what would be refused at the first document.
void check_pipeline(View stages, const LookupPlan& plan, StageBuild& build) {
  PipelineContext inner = build.context;
  bson::Builder names;
  names.append_all(inner.variables.let);
  for (const auto& variable : plan.let) names.append(variable.first, bson::Null{});
  inner.variables.let = names.finish();
  const Pipeline pipeline = Pipeline::compile(stages, inner);
  build.collections.insert(build.collections.end(), pipeline.collections().begin(),
                           pipeline.collections().end());
}

StagePtr make_lookup(Value spec, StageBuild& build) {
  if (!spec.is_document()) {
    fail("the $lookup stage specification must be an object, but found " + type_text(spec));
  }
  LookupPlan plan;
  plan.scope = ExpressionScope(build.context.variables);
  for (const Element& option : spec.as_document()) {
    if (option.key == "from") {
      plan.from = text_option(option);
    } else if (option.key == "as") {
      check_field_path(text_option(option));
      plan.as = FieldPath(option.value.as_string());
    } else if (option.key == "localField") {
      check_field_path(text_option(option));
      plan.local = FieldPath(option.value.as_string());
    } else if (option.key == "foreignField") {
      check_field_path(text_option(option));
      plan.foreign = option.value.as_string();
    } else if (option.key == "let") {
      parse_let(option.value, plan);
    } else if (option.key == "pipeline") {
      if (!option.value.is_array()) {
        throw CommandError(ErrorCode::kTypeMismatch,
                           "'pipeline' option must be specified as an array");
      }
      plan.stages = bson::Document(option.value.as_document());
    } else {
      fail("unknown argument to $lookup: " + std::string(option.key));
    }
  }
  if (plan.as.size() == 0) fail("must specify 'as' field for a $lookup");
  if (plan.from.empty()) fail("must specify 'from' field for a $lookup");
  if (plan.local.has_value() != !plan.foreign.empty()) {
    fail("$lookup requires both or neither of 'localField' and 'foreignField' to be specified");
  }
  if (!plan.local && !plan.stages) {
    fail(
        "$lookup requires either 'pipeline' or both 'localField' and 'foreignField' to be "
        "specified");
  }
  if (!plan.stages && !plan.let.empty()) fail("$lookup with 'let' requires a 'pipeline'");
  build.collections.push_back(plan.from);
  if (plan.stages) check_pipeline(*plan.stages, plan, build);
  return std::make_unique<LookupStage>(std::move(plan));
}

// ---- $unionWith

class UnionSource final : public DocumentSource {
  SourcePtr input_;
  SourcePtr other_;

 public:
  UnionSource(SourcePtr input, SourcePtr other)
      : input_(std::move(input)), other_(std::move(other)) {}
  std::optional<View> next() override {
    if (input_) {
      if (const auto document = input_->next()) return document;
      input_.reset();
    }
    return other_->next();
  }
};

class UnionStage final : public Stage {
  std::string collection_;
  Pipeline pipeline_;

 public:
  UnionStage(std::string collection, Pipeline pipeline)
      : collection_(std::move(collection)), pipeline_(std::move(pipeline)) {}
  SourcePtr open(SourcePtr input, const PipelineContext& context) const override {
    SourcePtr other =
        pipeline_.has_own_input() ? nullptr : look_up(context, collection_, bson::Document{});
    return std::make_unique<UnionSource>(std::move(input),
                                         pipeline_.open(std::move(other), context));
  }
};

StagePtr make_union(Value spec, StageBuild& build) {
  std::string collection;
  bson::Document stages;
  if (spec.is_string()) {
    collection = spec.as_string();
  } else if (spec.is_document()) {
    for (const Element& option : spec.as_document()) {
      if (option.key == "coll" && option.value.is_string()) {
        collection = option.value.as_string();
      } else if (option.key == "pipeline" && option.value.is_array()) {
        stages = bson::Document(option.value.as_document());
      } else {
        throw CommandError(ErrorCode::kUnknownField, "BSON field '$unionWith." +
                                                         std::string(option.key) +
                                                         "' is unknown or of the wrong type.");
      }
    }
  } else {
    fail("the $unionWith stage specification must be an object or string, but found " +
         type_text(spec));
  }
  Pipeline pipeline = Pipeline::compile(stages, build.context);
  if (collection.empty() && !pipeline.has_own_input()) {
    fail(
        "$unionWith stage without explicit collection must have a pipeline with $documents as "
        "first stage");
  }
  if (!collection.empty()) build.collections.push_back(collection);
  build.collections.insert(build.collections.end(), pipeline.collections().begin(),
                           pipeline.collections().end());
  return std::make_unique<UnionStage>(std::move(collection), std::move(pipeline));
}

// ---- $facet

// Documents that somebody else keeps.
class BorrowedSource final : public DocumentSource {
  const std::vector<bson::Document>& documents_;
  std::size_t next_ = 0;

 public:
  explicit BorrowedSource(const std::vector<bson::Document>& documents) : documents_(documents) {}
  std::optional<View> next() override {
    if (next_ == documents_.size()) return std::nullopt;
    return documents_[next_++].view();
  }
};

struct Facet {
  std::string name;
  std::vector<StagePtr> stages;
};

class FacetSource final : public DocumentSource {
  SourcePtr input_;  // null when all is done
  const std::vector<Facet>& facets_;
  const PipelineContext& context_;
  bson::Document result_;

 public:
  FacetSource(SourcePtr input, const std::vector<Facet>& facets, const PipelineContext& context)
      : input_(std::move(input)), facets_(facets), context_(context) {}

  std::optional<View> next() override {
    if (!input_) return std::nullopt;
    const std::vector<bson::Document> documents = read();
    input_.reset();
    bson::Builder result;
    for (const Facet& facet : facets_) {
      const auto scope = result.array(facet.name);
      const SourcePtr output =
          open_stages(facet.stages, std::make_unique<BorrowedSource>(documents), context_);
      while (const auto document = output->next()) {
        result.push(*document);
        require_within_limit(result.size(), context_, "$facet");
      }
    }
    result_ = result.finish();
    return result_.view();
  }

 private:
  std::vector<bson::Document> read() {
    std::vector<bson::Document> documents;
    std::size_t bytes = 0;
    while (const auto document = input_->next()) {
      charge_document(*document);
      bytes += document->size() + sizeof(bson::Document);
      require_within_limit(bytes, context_, "$facet");
      documents.emplace_back(*document);
    }
    return documents;
  }
};

class FacetStage final : public Stage {
  std::vector<Facet> facets_;

 public:
  explicit FacetStage(std::vector<Facet> facets) : facets_(std::move(facets)) {}
  SourcePtr open(SourcePtr input, const PipelineContext& context) const override {
    return std::make_unique<FacetSource>(std::move(input), facets_, context);
  }
};

void check_facet_stages(View stages) {
  for (const Element& element : stages) {
    if (!element.value.is_document() || element.value.as_document().empty()) continue;
    const std::string_view name = element.value.as_document().begin()->key;
    if (name == "$facet" || name == "$documents") {
      throw CommandError(40600,
                         std::string(name) + " is not allowed to be used within a $facet stage");
    }
  }
}

StagePtr make_facet(Value spec, StageBuild& build) {
  if (!spec.is_document() || spec.as_document().empty()) {
    throw CommandError(40169, "the $facet specification must be a non-empty object");
  }
  std::vector<Facet> facets;
  for (const Element& element : spec.as_document()) {
    check_field_path(element.key);
    if (element.key.find('.') != std::string_view::npos) {
      throw CommandError(16412, "FieldPath field names may not contain '.'.");
    }
    if (!element.value.is_array()) {
      throw CommandError(40170, "arguments to $facet must be arrays, " + std::string(element.key) +
                                    " is type " + type_text(element.value));
    }
    check_facet_stages(element.value.as_document());
    StageBuild inner{.context = build.context, .collections = build.collections};
    facets.push_back({.name = std::string(element.key),
                      .stages = compile_stages(element.value.as_document(), inner)});
  }
  return std::make_unique<FacetStage>(std::move(facets));
}

constexpr std::array kStages = {
    StageEntry{"$lookup", make_lookup},
    StageEntry{"$unionWith", make_union},
    StageEntry{"$facet", make_facet},
};

}  // namespace

std::span<const StageEntry> join_stages() { return kStages; }

}  // namespace gesso::localdb
