#include "gesso/localdb/cosmos/query_watch.hpp"

#include "gesso/localdb/cosmos/charges.hpp"
#include "gesso/localdb/cosmos/documents.hpp"
#include "gesso/localdb/cosmos/index_kinds.hpp"

namespace gesso::localdb::cosmos {

std::optional<bson::View> see(const Collection& collection, bson::View stored, Time now,
                              bson::Document& out) {
  if (const TimeToLiveIndex* const index = time_to_live_of(collection)) {
    const std::optional<Time> due = index->due(stored);
    if (due && *due <= now) return std::nullopt;
  }
  out = without_stamp(stored);
  return out.view();
}

QueryWatch::QueryWatch(CollectionPtr collection, Container container, QueryShape shape,
                       Options options, Till& till)
    : collection_(std::move(collection)),
      container_(std::move(container)),
      shape_(std::move(shape)),
      use_(options.use),
      is_sorted_(options.is_sorted),
      weight_(options.weight),
      now_(options.now),
      till_(&till),
      visits_(container_.provision.partitions) {}

std::optional<bson::View> QueryWatch::examine(bson::View stored) {
  const std::optional<bson::View> seen = see(*collection_, stored, now_, seen_);
  if (!seen) return seen;
  Visit& visit = visits_[container_.partition_of(*seen)];
  ++visit.counted.examined;
  if (shape_.served == Served::kAll) return seen;
  if (!shape_.served_part || shape_.served_part->matches(*seen)) {
    visit.scanned_bytes += seen->size();
  }
  return seen;
}

void QueryWatch::given(bson::View document) {
  Visit& visit = visits_[container_.partition_of(document)];
  visit.has_match = true;
  ++visit.counted.given;
  if (use_ == QueryUse::kFind) {
    visit.returned_bytes += document.size();
    ++visit.returned;
  } else if (use_ == QueryUse::kPipeline && shape_.served == Served::kAll) {
    visit.scanned_bytes += document.size();
  }
}

void QueryWatch::taken_back(bson::View document) {
  Visit& visit = visits_[container_.partition_of(document)];
  --visit.counted.given;
  if (use_ == QueryUse::kFind) {
    visit.returned_bytes -= document.size();
    --visit.returned;
  } else if (use_ == QueryUse::kPipeline && shape_.served == Served::kAll) {
    visit.scanned_bytes -= document.size();
  }
}

void QueryWatch::settle() {
  if (!is_open_) return;
  is_open_ = false;
  seen_ = bson::Document();  // nothing of it is looked at any more
  if (shape_.is_point) return settle_point();
  const double weight = use_ == QueryUse::kWrite ? 1 : weight_;
  for (const std::size_t partition : shape_.partitions) {
    const Visit& visit = visits_[partition];
    QueryWork work{.partitions = 1,
                   .finds_nothing = !visit.has_match && shape_.served == Served::kAll,
                   .returned_kb = kilobytes(visit.returned_bytes),
                   .scanned_kb = kilobytes(visit.scanned_bytes),
                   .sorted = is_sorted_ ? visit.returned : 0};
    if (is_further_) work.partitions = 0;
    const double page =
        is_further_ ? kPageCharge / static_cast<double>(shape_.partitions.size()) : 0;
    till_->charge(container_, partition, weight * (query_charge(work) + page));
  }
}

void QueryWatch::settle_point() {
  const std::size_t partition = shape_.partitions.front();
  const Visit& visit = visits_[partition];
  if (use_ == QueryUse::kWrite) {
    if (!visit.has_match) till_->charge(container_, partition, read_charge(0));
    return;  // a document that is found is read at the price of its change
  }
  const std::size_t bytes = visit.returned_bytes + visit.scanned_bytes;
  till_->charge(container_, partition, weight_ * read_charge(kilobytes(bytes)));
}

void QueryWatch::resume(Till& till, Time now) {
  till_ = &till;
  now_ = now;
  is_open_ = true;
  is_further_ = true;
  visits_.assign(visits_.size(), Visit{});
}

}  // namespace gesso::localdb::cosmos
