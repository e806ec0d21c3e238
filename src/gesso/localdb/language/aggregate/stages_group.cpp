// $group, and $sortByCount and $bucket, which are short for it.
#include <array>
#include <unordered_map>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/localdb/language/aggregate/accumulator.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/aggregate/stages.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::OwnedValue;
using bson::Value;
using bson::View;

// What `$group` is compiled to.
struct GroupPlan {
  ExpressionScope scope;
  ExpressionPtr key;
  struct Field {
    std::string name;
    AccumulatorPlan accumulator;
  };
  std::vector<Field> fields;
};

class GroupSource final : public DocumentSource {
  using Accumulators = std::vector<AccumulatorPtr>;
  using Groups = std::unordered_map<OwnedValue, Accumulators, ValueHash, ValueEqual>;

  SourcePtr input_;  // null when all is read
  const GroupPlan& plan_;
  const PipelineContext& context_;
  Groups groups_;
  std::vector<const Groups::value_type*> order_;  // as the keys came
  std::size_t bytes_ = 0;
  std::size_t next_ = 0;
  Arena arena_;
  bson::Document current_;

 public:
  GroupSource(SourcePtr input, const GroupPlan& plan, const PipelineContext& context)
      : input_(std::move(input)), plan_(plan), context_(context), arena_(context.memory_limit) {}

  std::optional<View> next() override {
    if (input_) {
      read();
      input_.reset();
    }
    if (next_ == order_.size()) return std::nullopt;
    current_ = describe(*order_[next_++]);
    return current_.view();
  }

 private:
  void read() {
    while (const auto document = input_->next()) {
      charge_document(*document);
      arena_.reset();
      Evaluation evaluation(*document, arena_, plan_.scope);
      Accumulators& group = group_of(plan_.key->evaluate(evaluation));
      for (std::size_t i = 0; i < group.size(); ++i) {
        const Value value = plan_.fields[i].accumulator.input->evaluate(evaluation);
        const std::size_t before = group[i]->memory();
        group[i]->add(value);
        bytes_ += group[i]->memory() - before;
      }
      if (bytes_ > context_.memory_limit) {
        throw CommandError(ErrorCode::kQueryExceededMemoryLimit,
                           "Exceeded memory limit for $group, but didn't allow external sort. "
                           "The limit is " +
                               std::to_string(context_.memory_limit) + " bytes.");
      }
    }
  }

  Accumulators& group_of(Value key) {
    if (key.is_missing()) key = Arena::null();
    if (const auto found = groups_.find(key); found != groups_.end()) return found->second;
    Accumulators accumulators;
    for (const GroupPlan::Field& field : plan_.fields) {
      accumulators.push_back(field.accumulator.make());
    }
    constexpr std::size_t kEachAccumulator = 64;
    bytes_ +=
        key.raw().size() + sizeof(Groups::value_type) + accumulators.size() * kEachAccumulator;
    const auto added = groups_.emplace(OwnedValue(key), std::move(accumulators)).first;
    order_.push_back(&*added);
    return added->second;
  }

  bson::Document describe(const Groups::value_type& group) {
    arena_.reset();
    bson::Builder builder;
    builder.append("_id", group.first.view());
    for (std::size_t i = 0; i < group.second.size(); ++i) {
      builder.append(plan_.fields[i].name, group.second[i]->result(arena_));
    }
    return builder.finish();
  }
};

class GroupStage final : public Stage {
  GroupPlan plan_;

 public:
  explicit GroupStage(GroupPlan plan) : plan_(std::move(plan)) {}
  SourcePtr open(SourcePtr input, const PipelineContext& context) const override {
    return std::make_unique<GroupSource>(std::move(input), plan_, context);
  }
};

GroupPlan::Field parse_field(const Element& element, ExpressionScope& scope) {
  const std::string name(element.key);
  if (name.find('.') != std::string::npos) {
    throw CommandError(40235, "The field name '" + name + "' cannot contain '.'");
  }
  if (name.starts_with('$')) {
    throw CommandError(40236, "The field name '" + name + "' cannot be an operator name");
  }
  if (!element.value.is_document() || element.value.as_document().empty()) {
    throw CommandError(40234, "The field '" + name + "' must be an accumulator object");
  }
  const View spec = element.value.as_document();
  if (spec.count() != 1) {
    throw CommandError(40238, "The field '" + name + "' must specify one accumulator");
  }
  const Element accumulator = *spec.begin();
  if (!accumulator.key.starts_with('$')) {
    throw CommandError(40234, "The field '" + name + "' must be an accumulator object");
  }
  return {.name = name,
          .accumulator = compile_accumulator(accumulator.key, accumulator.value, scope)};
}

StagePtr make_group(Value spec, StageBuild& build) {
  if (!spec.is_document()) {
    throw CommandError(15947, "a group's fields must be specified in an object");
  }
  GroupPlan plan{.scope = ExpressionScope(build.context.variables), .key = {}, .fields = {}};
  for (const Element& element : spec.as_document()) {
    if (element.key == "_id") {
      if (plan.key) throw CommandError(15948, "a group's _id may only be specified once");
      plan.key = compile_expression(element.value, plan.scope);
    } else {
      plan.fields.push_back(parse_field(element, plan.scope));
    }
  }
  if (!plan.key) throw CommandError(15955, "a group specification must include an _id");
  return std::make_unique<GroupStage>(std::move(plan));
}

StagePtr make_sort_by_count(Value spec, StageBuild& build) {
  const bool expression = spec.is_string() ? spec.as_string().starts_with('$')
                                           : spec.is_document() && !spec.as_document().empty() &&
                                                 spec.as_document().begin()->key.starts_with('$');
  if (!expression) {
    throw CommandError(40147,
                       "the sortByCount field must be defined as a $-prefixed path or an "
                       "expression inside an object");
  }
  const bson::Array stages = bson::make_array(
      bson::make_document(
          "$group",
          bson::make_document("_id", spec, "count", bson::make_document("$sum", std::int32_t{1}))),
      bson::make_document("$sort", bson::make_document("count", std::int32_t{-1})));
  return make_composite(stages.items, build);
}

constexpr std::array kBucketArguments = {
    NamedArgument{"groupBy", true}, NamedArgument{"boundaries", true},
    NamedArgument{"default", false}, NamedArgument{"output", false}};
constexpr NamedEntry kBucket = {"$bucket", kBucketArguments, nullptr, 40201, 40197, 40198};

void check_boundaries(Value boundaries) {
  if (!boundaries.is_array()) {
    throw CommandError(40200, "The $bucket 'boundaries' field must be an array, but found type: " +
                                  type_text(boundaries));
  }
  const View list = boundaries.as_document();
  if (list.count() < 2) {
    throw CommandError(40192,
                       "The $bucket 'boundaries' field must have at least 2 values, but "
                       "found " +
                           std::to_string(list.count()) + " value(s).");
  }
  Value previous;
  for (const Element& element : list) {
    if (!previous.is_missing()) {
      if (bson::type_order(previous.type()) != bson::type_order(element.value.type())) {
        throw CommandError(40193,
                           "All values in the the 'boundaries' option to $bucket must have "
                           "the same type.");
      }
      if (bson::compare(previous, element.value) >= 0) {
        throw CommandError(40194,
                           "The 'boundaries' option to $bucket must be sorted, but elements "
                           "are not in ascending order.");
      }
    }
    previous = element.value;
  }
}

bson::Document literal(Value value) { return bson::make_document("$literal", value); }

// {$switch: {branches: [{case: {$and: [{$gte: [by, low]}, {$lt: [by, high]}]}, then: low}, ...]}}
bson::Document bucket_key(Value by, View boundaries, Value otherwise) {
  bson::Builder key;
  {
    const auto operation = key.document("$switch");
    {
      const auto branches = key.array("branches");
      Value low;
      for (const Element& element : boundaries) {
        if (!low.is_missing()) {
          const bson::Array at_least = bson::make_array(by, literal(low));
          const bson::Array below = bson::make_array(by, literal(element.value));
          const bson::Array both = bson::make_array(bson::make_document("$gte", at_least),
                                                    bson::make_document("$lt", below));
          key.push(
              bson::make_document("case", bson::make_document("$and", both), "then", literal(low)));
        }
        low = element.value;
      }
    }
    if (!otherwise.is_missing()) key.append("default", literal(otherwise));
  }
  return key.finish();
}

StagePtr make_bucket(Value spec, StageBuild& build) {
  const std::vector<Value> parts = named_specs(kBucket, spec);
  check_boundaries(parts[1]);
  bson::Builder group;
  group.append("_id", bucket_key(parts[0], parts[1].as_document(), parts[2]));
  if (parts[3].is_missing()) {
    group.append("count", bson::make_document("$sum", std::int32_t{1}));
  } else if (parts[3].is_document()) {
    group.append_all(parts[3].as_document());
  } else {
    throw CommandError(40196, "The $bucket 'output' field must be an object, but found type: " +
                                  type_text(parts[3]));
  }
  const bson::Array stages =
      bson::make_array(bson::make_document("$group", group.finish()),
                       bson::make_document("$sort", bson::make_document("_id", std::int32_t{1})));
  return make_composite(stages.items, build);
}

constexpr std::array kStages = {
    StageEntry{"$group", make_group},
    StageEntry{"$sortByCount", make_sort_by_count},
    StageEntry{"$bucket", make_bucket},
};

}  // namespace

std::span<const StageEntry> group_stages() { return kStages; }

}  // namespace gesso::localdb
