// aggregate.
#include <array>

#include "gesso/localdb/engine/aggregation.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/dialect.hpp"
#include "gesso/localdb/engine/explain.hpp"
#include "gesso/localdb/engine/reply_cursor.hpp"
#include "gesso/localdb/engine/tables.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

class ListInput final : public DocumentSource {
  const std::vector<bson::Document>& documents_;
  std::size_t next_ = 0;

 public:
  explicit ListInput(const std::vector<bson::Document>& documents) : documents_(documents) {}

  std::optional<bson::View> next() override {
    if (next_ == documents_.size()) return std::nullopt;
    return documents_[next_++].view();
  }
};

// What comes out of a pipeline. Its stages keep views into the snapshot, so it cannot wait for the
// next command: when it is detached, the rest is run and kept, as long as it is not too much.
class PipelineSource final : public BatchSource {
  const Context* context_;  // until it is detached
  Aggregation aggregation_;
  SourcePtr output_;
  std::optional<bson::View> last_;
  bool again_ = false;
  std::vector<bson::Document> kept_;
  std::unique_ptr<KeptDocuments> list_;

 public:
  PipelineSource(const Context& context, Aggregation aggregation)
      : context_(&context), aggregation_(std::move(aggregation)) {}

  void attach(const Transaction& transaction) override {
    if (list_) return;
    const Pipeline& pipeline = *aggregation_.pipeline;
    if (pipeline.has_own_input()) {
      output_ = pipeline.open(nullptr, aggregation_.context);
    } else if (aggregation_.own_documents) {
      output_ = pipeline.open(std::make_unique<ListInput>(*aggregation_.own_documents),
                              aggregation_.context);
    } else if (const CollectionPtr collection = find(transaction)) {
      output_ = pipeline.open_rest(
          std::make_unique<PlanSource>(execute(*context_, transaction, collection,
                                               aggregation_.request(), QueryUse::kPipeline)),
          aggregation_.context);
    } else {
      output_ = pipeline.open_rest(std::make_unique<ListInput>(kept_), aggregation_.context);
    }
  }

  std::optional<bson::View> next() override {
    if (list_) return list_->next();
    if (!std::exchange(again_, false)) last_ = output_->next();
    return last_;
  }

  void push_back() override {
    if (list_) {
      list_->push_back();
    } else {
      again_ = true;
    }
  }

  [[nodiscard]] std::size_t memory() const override { return list_ ? list_->memory() : 0; }

  void detach() override {
    if (list_) return;
    std::size_t bytes = 0;
    std::vector<bson::Document> rest;
    while (const auto document = next()) {
      bytes += document->size();
      if (bytes > aggregation_.context.memory_limit) {
        throw CommandError(ErrorCode::kQueryExceededMemoryLimit,
                           "what the pipeline gives behind the first batch exceeds " +
                               std::to_string(aggregation_.context.memory_limit) +
                               " bytes; add $limit or $project, or ask for larger batches");
      }
      rest.emplace_back(*document);
    }
    output_.reset();
    list_ = std::make_unique<KeptDocuments>(std::move(rest));
  }

 private:
  [[nodiscard]] CollectionPtr find(const Transaction& transaction) const {
    const std::string_view ns = aggregation_.ns;
    return transaction.find_collection(ns.substr(0, ns.find('.')), aggregation_.collection);
  }
};

// A pipeline that ends in {$count: <name>} or, as every driver's countDocuments, in
// {$group: {_id: <constant>, <name>: {$sum: 1}}}. The plan counts that without looking at
// documents.
struct CountShape {
  bson::Value id;  // missing for $count
  std::string_view name;
};

std::optional<CountShape> count_shape(bson::View stage) {
  if (stage.count() != 1) return std::nullopt;
  const bson::Value spec = stage.begin()->value;
  if (stage.begin()->key == "$count" && spec.is_string()) {
    return CountShape{.id = {}, .name = spec.as_string()};
  }
  if (stage.begin()->key != "$group") return std::nullopt;
  if (!spec.is_document() || spec.as_document().count() != 2) return std::nullopt;
  auto field = spec.as_document().begin();
  const bson::Element id = *field;
  const bson::Element sum = *++field;
  const bool is_constant = id.value.is_null() || id.value.is_number();
  if (id.key != "_id" || !is_constant || !sum.value.is_document()) return std::nullopt;
  const bson::View accumulator = sum.value.as_document();
  if (accumulator.count() != 1 || accumulator.begin()->key != "$sum" ||
      accumulator.begin()->value.integer() != 1) {
    return std::nullopt;
  }
  return CountShape{.id = id.value, .name = sum.key};
}

// The one document of a pipeline that only counts; std::nullopt where it does anything else.
std::optional<std::vector<bson::Document>> counted(const Context& context,
                                                   const Aggregation& aggregation,
                                                   const Transaction& snapshot,
                                                   const CollectionPtr& collection) {
  const Pipeline& pipeline = *aggregation.pipeline;
  const bool counts_only = !aggregation.own_documents && !pipeline.has_own_input() &&
                           pipeline.stage_count() == pipeline.leading_count() + 1;
  if (!counts_only) return std::nullopt;
  bson::View last;
  for (const auto& [key, value] : aggregation.stages.view()) last = value.as_document();
  const std::optional<CountShape> shape = count_shape(last);
  if (!shape) return std::nullopt;
  std::vector<bson::Document> documents;
  const std::uint64_t n =
      collection ? count_matching(context, snapshot, collection, aggregation.request()) : 0;
  if (n > 0) {
    bson::Builder out;
    if (shape->id) out.append("_id", shape->id);
    append_count(out, shape->name, n);
    documents.push_back(out.finish());
  }
  return documents;
}

void aggregate(Context& context) {
  const Arguments& arguments = context.arguments;
  const ReadTransaction snapshot = context.services.store.read();
  if (arguments.flag("explain")) {
    explain_aggregate(context, snapshot, "queryPlanner");
    return;
  }
  if (!arguments.has("cursor")) {
    throw CommandError(
        ErrorCode::kFailedToParse,
        "The 'cursor' option is required, except for aggregate with the explain argument");
  }
  Aggregation aggregation = parse_aggregation(context, snapshot);
  const FirstBatch batch{.ns = aggregation.ns, .batch_size = cursor_batch_size(context)};
  const CollectionPtr collection =
      aggregation.collection.empty() ? nullptr
                                     : snapshot.find_collection(context.db, aggregation.collection);
  std::unique_ptr<BatchSource> source;
  const Pipeline& pipeline = *aggregation.pipeline;
  if (auto documents = counted(context, aggregation, snapshot, collection)) {
    source = std::make_unique<KeptDocuments>(std::move(*documents));
  } else if (collection && !aggregation.own_documents && !pipeline.has_own_input() &&
             pipeline.stage_count() == pipeline.leading_count()) {
    // All of it is the plan's, which can wait between batches.
    source = std::make_unique<ExecutionSource>(
        execute(context, snapshot, collection, aggregation.request(), QueryUse::kFind),
        std::nullopt);
  } else {
    source = std::make_unique<PipelineSource>(context, std::move(aggregation));
    source->attach(snapshot);
  }
  reply_cursor(context, std::move(source), batch);
}

constexpr std::array kCommands = {
    // What it needs depends on the first stage.
    Command{"aggregate", kAggregateFields, aggregate, Access::kLoggedIn},
};

}  // namespace

std::span<const Command> aggregate_commands() { return kCommands; }

}  // namespace gesso::localdb
