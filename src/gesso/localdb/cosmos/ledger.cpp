#include "gesso/localdb/cosmos/ledger.hpp"

#include <algorithm>

#include "gesso/base/uuid.hpp"
#include "gesso/bson/compare.hpp"
#include "gesso/localdb/cosmos/charges.hpp"
#include "gesso/localdb/cosmos/codes.hpp"
#include "gesso/localdb/cosmos/documents.hpp"
#include "gesso/localdb/cosmos/index_kinds.hpp"
#include "gesso/localdb/cosmos/terms.hpp"
#include "gesso/localdb/cosmos/texts.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb::cosmos {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// A request takes so long at most, the server's own retries with it.
constexpr milliseconds kLongest{60'000};
constexpr milliseconds kBetweenLooks{5};
// Documents that an insert takes away because their time is over.
constexpr std::size_t kMostRemoved = 1000;

}  // namespace

CommandLedger::CommandLedger(const CosmosDialect& dialect, Services& services, Operation& operation,
                             std::string_view command)
    : dialect_(dialect),
      services_(services),
      operation_(operation),
      command_(command),
      begun_(dialect.clock().steady_now()),
      activity_id_(to_string(random_uuid(dialect.random()))) {}

const Container& CommandLedger::container_of(const Collection& collection) {
  const auto found = containers_.find(collection.id);
  if (found != containers_.end()) return found->second;
  const ReadTransaction snapshot = services_.store.read();
  return containers_
      .emplace(collection.id,
               cosmos::container_of(snapshot.catalog(), collection, dialect_.options()))
      .first->second;
}

void CommandLedger::admit(const Container& container, std::size_t partition) {
  const std::optional<std::int64_t> retry_after =
      dialect_.throughput().admit(container.provision, partition, dialect_.clock().steady_now());
  if (!retry_after) return;
  total_ += kRefusedCharge;
  BackendError error{.code = kTooManyRequests,
                     .retry_after_ms = retry_after,
                     .http = "TooManyRequests (429)",
                     .substatus = 3200,
                     .activity_id = activity_id_,
                     .error =
                         "Request rate is large. More Request Units may be needed, so no changes "
                         "were made. Please retry this request later. Learn more: "
                         "http://aka.ms/cosmosdb-error-429",
                     .pretty = dialect_.options().throttle_text == ThrottleText::kPretty};
  if (dialect_.options().throttle_text == ThrottleText::kBare) error.retry_after_ms.reset();
  throw Throttled(kTooManyRequests, backend_text(error));
}

void CommandLedger::charge(const Provision& provision, std::size_t partition, double ru) {
  dialect_.throughput().charge(provision, partition, ru, dialect_.clock().steady_now());
  total_ += ru;
}

void CommandLedger::charge(const Container& container, std::size_t partition, double ru) {
  charge(container.provision, partition, ru);
}

void CommandLedger::DueTill::charge(const Container& container, std::size_t partition, double ru) {
  const Provision& provision = container.provision;
  const auto [at, is_new] = dues_.try_emplace({provision.owner, partition}, Due{provision});
  at->second.ru += ru;
}

void CommandLedger::drop_ended() {
  std::erase_if(watches_, [&](const std::shared_ptr<QueryWatch>& watch) {
    if (watch.use_count() > 1) return false;  // its execution goes on
    watch->settle_with(ended_);
    return true;
  });
}

std::shared_ptr<Watch> CommandLedger::begin(const CollectionPtr& collection, PlanRequest& request,
                                            QueryUse use) {
  const Container& container = container_of(*collection);
  if (const std::string_view fault = sort_fault(*collection, container, request.sort);
      !fault.empty()) {
    throw backend_error(dialect_, static_cast<int>(ErrorCode::kBadValue), "BadRequest (400)",
                        fault);
  }
  if (use == QueryUse::kWrite && request.sort.count() > 1) {
    throw CommandError(ErrorCode::kBadValue, "findAndModify sorts by one field only");
  }
  request.hint = {};
  request.usable = serves_filters;
  QueryShape shape = shape_of(*collection, container, request.filter.get());
  // Where documents are charged for being read, all of those that match are.
  request.sorts_by_compound = shape.served == Served::kAll;
  for (const std::size_t partition : shape.partitions) admit(container, partition);
  drop_ended();
  watches_.push_back(std::make_shared<QueryWatch>(
      collection, container, std::move(shape),
      QueryWatch::Options{.use = use,
                          .is_sorted = !request.sort.empty(),
                          .weight = dialect_.options().strong ? 2.0 : 1.0,
                          .now = dialect_.clock().now()},
      *this));
  return watches_.back();
}

std::vector<std::shared_ptr<Watch>> CommandLedger::hand_over() {
  return {watches_.begin(), watches_.end()};
}

void CommandLedger::resume(const std::vector<std::shared_ptr<Watch>>& watches) {
  std::vector<std::shared_ptr<QueryWatch>> resumed;
  for (const auto& watch : watches) {
    resumed.push_back(std::static_pointer_cast<QueryWatch>(watch));
    const QueryWatch& query = *resumed.back();
    for (const std::size_t partition : query.shape().partitions) {
      admit(query.container(), partition);
    }
  }
  for (const auto& watch : resumed) watch->resume(*this, dialect_.clock().now());
  watches_ = std::move(resumed);
}

void CommandLedger::check_size(bson::View document) const {
  if (document.size() <= dialect_.max_document_bytes()) return;
  throw backend_error(dialect_, kRequestTooLarge, "RequestEntityTooLarge (413)",
                      "Request size is too large");
}

// Of the documents that are due those that were due first, so that what nobody sees any more is in
// nobody's way.
void CommandLedger::remove_due(Writer& writer, const Collection& collection) const {
  const Time now = dialect_.clock().now();
  std::vector<RecordId> due;
  for (const auto& index : collection.indexes) {
    if (dynamic_cast<const TimeToLiveIndex*>(index->keys.get()) == nullptr) continue;
    const std::optional<KeySpan> expired = index->keys->expired(now);
    IndexCursor cursor(writer, *index);
    for (bool more = cursor.seek(expired->low);
         more && expired->holds(cursor.key()) && due.size() < kMostRemoved; more = cursor.next()) {
      due.push_back(cursor.record());
    }
  }
  for (const RecordId id : due) (void)writer.remove(collection, id);
}

bson::View CommandLedger::insert(Writer& writer, const Collection& collection,
                                 bson::View document) {
  const Container& container = container_of(collection);
  check_size(document);
  if (container.is_sharded() && !document.at_path(container.shard_key)) {
    throw CommandError(kShardKeyNotFound,
                       "document does not contain shard key: " + container.shard_key);
  }
  if (!container.is_sharded() && writer.counters(collection).data_bytes + document.size() >
                                     dialect_.options().unsharded_bytes) {
    throw backend_error(dialect_, static_cast<int>(ErrorCode::kUnauthorized), "Forbidden (403)",
                        "Partition key reached maximum size of 20 GB");
  }
  const std::size_t partition = container.partition_of(document);
  admit(container, partition);
  charge(container, partition,
         insert_charge(kilobytes(document.size()), terms_of(collection, container, document)));
  remove_due(writer, collection);
  stored_ = stamped(document, dialect_.next_stamp());
  return stored_;
}

bson::View CommandLedger::update(const Collection& collection, bson::View before,
                                 bson::View after) {
  const Container& container = container_of(collection);
  check_size(after);
  const std::string& key = container.shard_key;
  if (container.is_sharded() && bson::compare(before.at_path(key), after.at_path(key)) != 0) {
    throw CommandError(ErrorCode::kImmutableField, "Performing an update on the path '" + key +
                                                       "' would modify the immutable field '" +
                                                       key + "'");
  }
  const std::size_t partition = container.partition_of(before);
  admit(container, partition);
  charge(container, partition,
         update_charge(kilobytes(after.size()), terms_of(collection, container, after),
                       changed_terms(collection, before, after)));
  stored_ = stamped(after, dialect_.next_stamp());
  return stored_;
}

void CommandLedger::remove(const Collection& collection, bson::View document) {
  const Container& container = container_of(collection);
  const std::size_t partition = container.partition_of(document);
  admit(container, partition);
  charge(container, partition,
         insert_charge(kilobytes(document.size()), terms_of(collection, container, document)));
}

std::optional<bson::View> CommandLedger::visible(const Collection& collection, bson::View stored) {
  return see(collection, stored, dialect_.clock().now(), seen_);
}

void CommandLedger::pause(const Throttled& refusal) {
  if (refusal.code() != kTooManyRequests || !waits()) throw refusal;
  const Clock& clock = dialect_.clock();
  const auto begun = clock.steady_now();
  // The windows begin with the seconds.
  const auto now = duration_cast<milliseconds>(begun.time_since_epoch());
  const milliseconds wait{1000 - now.count() % 1000};
  if (begun + wait - begun_ > kLongest) {
    throw Throttled(kTimedOut, "Request timed out. Retries due to rate limiting: True.");
  }
  while (clock.steady_now() - begun < wait) {
    {
      std::unique_lock lock(services_.stop_mutex);
      services_.stop_signal.wait_for(lock, kBetweenLooks,
                                     [&] { return services_.stopping.load(); });
    }
    operation_.check();
  }
  waited_ += duration_cast<milliseconds>(clock.steady_now() - begun);
}

void CommandLedger::settle() {
  for (const auto& watch : watches_) watch->settle();
  for (const auto& [key, due] : ended_.dues()) charge(due.provision, key.second, due.ru);
  ended_.clear();
}

Statistics CommandLedger::statistics() const {
  const auto took = dialect_.clock().steady_now() - begun_;
  return {.command = std::string(command_),
          .charge = total_,
          .duration_ms = duration_cast<milliseconds>(took).count(),
          .delay_ms = waited_.count(),
          .activity_id = activity_id_};
}

}  // namespace gesso::localdb::cosmos
