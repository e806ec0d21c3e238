// aggregate and getMore of change streams; of everything else they are the engine's.
//
// A stream's cursor never ends by itself. A page that is throttled is empty, and no error.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "gesso/localdb/cosmos/change_feed.hpp"
#include "gesso/localdb/cosmos/charges.hpp"
#include "gesso/localdb/cosmos/commands.hpp"
#include "gesso/localdb/cosmos/ledger.hpp"
#include "gesso/localdb/engine/cursor.hpp"
#include "gesso/localdb/engine/tables.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr std::chrono::milliseconds kAwait{1000};  // where the client does not say
constexpr std::chrono::milliseconds kBetweenLooks{20};

// What a cursor keeps of a stream. Its documents are fetched by the commands here.
class ChangeStream final : public BatchSource {
 public:
  std::string collection;
  std::uint32_t collection_id = 0;
  FeedPlace place;
  std::optional<std::uint64_t> nothing_in;  // the number of a snapshot without changes behind place
  bson::Document condition;
  Matcher filter;

  ChangeStream(const Collection& watched, FeedPlace begin, const bson::Document& wanted)
      : collection(watched.name),
        collection_id(watched.id),
        place(begin),
        condition(wanted),
        filter(Matcher::compile(condition)) {}

  std::optional<bson::View> next() override { return std::nullopt; }
  void push_back() override {}
  [[nodiscard]] std::size_t memory() const override { return condition.size(); }
  void attach(const Transaction& /*transaction*/) override {}
  void detach() override {}
};

const Command& engines_command(std::span<const Command> commands, std::string_view name) {
  return *std::ranges::find(commands, name, &Command::name);
}

[[noreturn]] void no_collection(const Context& context, std::string_view name) {
  throw CommandError(ErrorCode::kNamespaceNotFound,
                     "collection " + context.ns(name) + " does not exist");
}

CollectionPtr watched(const Context& context, const Transaction& at, const ChangeStream& stream) {
  CollectionPtr collection = at.find_collection(context.db, stream.collection);
  if (!collection || collection->id != stream.collection_id) {
    no_collection(context, stream.collection);
  }
  return collection;
}

// What is stored from now on has a later stamp. It is drawn in the writer's turn, so that no write
// has an earlier one that is not committed yet.
Stamp stamp_of_now(const Context& context) {
  const CosmosDialect& dialect = dialect_of(context);
  return context.services.store.write(
      [&](WriteTransaction& /*write*/) { return dialect.next_stamp(); });
}

// The next page; empty where there is nothing, or no budget for it.
FeedPage fetch(const Context& context, ChangeStream& stream) {
  auto& ledger = static_cast<CommandLedger&>(*context.ledger);
  const ReadTransaction snapshot = context.services.store.read();
  if (stream.nothing_in == snapshot.number()) return {};
  const CollectionPtr collection = watched(context, snapshot, stream);
  const Container& container = ledger.container_of(*collection);
  std::vector<std::size_t> partitions = container.partitions_for(nullptr);
  if (stream.place.partitions == partitions.size()) partitions = {stream.place.partition};
  try {
    for (const std::size_t partition : partitions) ledger.admit(container, partition);
  } catch (const Throttled&) {
    return {};
  }
  const Stamp before = stream.place.behind;
  FeedPage page =
      next_page(snapshot, *collection, container, stream.filter, context.services.clock.now(),
                dialect_of(context).presentation().max_batch_bytes(), stream.place);
  if (stream.place.behind == before) stream.nothing_in = snapshot.number();
  if (page.bytes == 0) return page;
  for (const std::size_t partition : partitions) {
    const double share = kilobytes(page.bytes) / static_cast<double>(partitions.size());
    ledger.charge(container, partition, query_charge({.returned_kb = share}));
  }
  return page;
}

void reply_page(Context& context, std::string_view batch, const FeedPage& page) {
  const auto list = context.reply.array(batch);
  for (const bson::Document& event : page.events) context.reply.push(event.view());
}

void open_stream(Context& context, bson::View pipeline) {
  const FeedQuery query = parse_change_stream(pipeline);
  if (!context.arguments["aggregate"].is_string()) {
    throw CommandError(ErrorCode::kBadValue, "a change stream is of one collection");
  }
  require_rights(context.services, context.client, auth::kRead, context.db, "aggregate");
  const std::string_view name = context.collection();
  std::unique_ptr<ChangeStream> stream;
  {
    const ReadTransaction snapshot = context.services.store.read();
    const CollectionPtr collection = snapshot.find_collection(context.db, name);
    if (!collection) no_collection(context, name);
    FeedPlace place = query.place;
    if (place.behind == 0) place.behind = stamp_of_now(context);
    stream = std::make_unique<ChangeStream>(*collection, place, query.filter);
  }
  // Drivers that have no event yet resume from here.
  const auto now = std::chrono::floor<std::chrono::seconds>(context.services.clock.now());
  context.reply.append(
      "operationTime",
      bson::Timestamp{.seconds = static_cast<std::uint32_t>(now.time_since_epoch().count()),
                      .increment = 1});
  const auto scope = context.reply.document("cursor");
  reply_page(context, "firstBatch", fetch(context, *stream));
  auto cursor = std::make_unique<Cursor>();
  cursor->ns = context.ns(name);
  cursor->user = context.user_id();
  cursor->session = context.operation.session();
  cursor->source = std::move(stream);
  context.reply.append("id", context.services.cursors.add(std::move(cursor)));
  context.reply.append("ns", context.ns(name));
}

// Waits for something to happen, as long as the client would wait.
FeedPage await(Context& context, ChangeStream& stream) {
  const bson::Value most = context.body["maxTimeMS"];
  const auto wait = std::min(
      std::chrono::milliseconds(most ? most.integer().value_or(kAwait.count()) : kAwait.count()),
      std::chrono::milliseconds{60'000});
  context.operation.deadline = {};  // which is here for how long it waits
  const Clock& clock = context.services.clock;
  const auto begun = clock.steady_now();
  for (;;) {
    FeedPage page = fetch(context, stream);
    if (!page.events.empty() || clock.steady_now() - begun >= wait) return page;
    {
      std::unique_lock lock(context.services.stop_mutex);
      context.services.stop_signal.wait_for(lock, kBetweenLooks,
                                            [&] { return context.services.stopping.load(); });
    }
    context.operation.check();
  }
}

}  // namespace

void aggregate(Context& context) {
  const bson::Value pipeline = context.arguments["pipeline"];
  if (pipeline.is_array() && is_change_stream(pipeline.as_document())) {
    return open_stream(context, pipeline.as_document());
  }
  engines_command(aggregate_commands(), "aggregate").run(context);
}

void get_more(Context& context) {
  CursorRegistry& cursors = context.services.cursors;
  const std::int64_t id = context.arguments["getMore"].as_int64();
  const std::string ns = context.ns(context.arguments.string("collection"));
  std::unique_ptr<Cursor> cursor = cursors.take(id, ns, context.user_id());
  auto* const stream = dynamic_cast<ChangeStream*>(cursor->source.get());
  if (stream == nullptr) {
    cursors.give_back(id, std::move(cursor));
    return engines_command(read_commands(), "getMore").run(context);
  }
  context.operation.set_cursor(id);
  FeedPage page;
  try {
    page = await(context, *stream);
  } catch (...) {
    cursor.reset();
    cursors.close(id);
    throw;
  }
  cursors.give_back(id, std::move(cursor));
  const auto scope = context.reply.document("cursor");
  reply_page(context, "nextBatch", page);
  context.reply.append("id", id);
  context.reply.append("ns", ns);
}

void get_change_stream_tokens(Context& context, const Collection& collection) {
  auto& ledger = static_cast<CommandLedger&>(*context.ledger);
  const std::size_t partitions = ledger.container_of(collection).provision.partitions;
  Stamp behind = stamp_of_now(context);
  const bson::Value start = context.arguments["startAtOperationTime"];
  if (start.is(bson::Type::kTimestamp)) {
    behind = Stamp{start.as_timestamp().seconds} * 1'000'000 - 1;
  }
  const auto list = context.reply.array("resumeAfterTokens");
  for (std::size_t i = 0; i < partitions; ++i) {
    context.reply.push(
        token_of({.behind = behind, .partition = i, .partitions = partitions}).view());
  }
}

}  // namespace gesso::localdb::cosmos
