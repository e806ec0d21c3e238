#include "gesso/localdb/plan/scanner.hpp"
#include "gesso/localdb/index/spec.hpp"

#include <algorithm>
#include <iterator>

#include "gesso/base/error.hpp"
#include "gesso/localdb/index/key_generator.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

bool is_within(const KeyRange& range, std::string_view key) {
  return key >= range.low && (range.high.empty() || key < range.high);
}

}  // namespace

void Scanner::attach(const Transaction& transaction, const CollectionPtr& collection) {
  transaction_ = &transaction;
  collection_ = collection;
  resumed_ = true;
  if (!scan_.index) return;
  index_ = collection->index_by_id(scan_.index->id);
  if (index_ == nullptr) {
    throw CommandError(ErrorCode::kQueryPlanKilled,
                       "query plan killed :: index '" + spec_of(*scan_.index).name + "' dropped");
  }
}

void Scanner::detach() {
  if (entries_ && place_ == Place::kOnRow) last_key_ = entries_->key();
  records_.reset();
  entries_.reset();
  transaction_ = nullptr;
  index_ = nullptr;
}

bool Scanner::advance(std::uint64_t& keys_examined) {
  if (place_ == Place::kEnd) return false;
  const bool more = !scan_.index                ? advance_records()
                    : !scan_.unique_key.empty() ? advance_unique(keys_examined)
                                                : advance_entries(keys_examined);
  resumed_ = false;
  place_ = more ? Place::kOnRow : Place::kEnd;
  return more;
}

bool Scanner::advance_records() {
  if (!records_) records_.emplace(*transaction_, *collection_);
  bool more = false;
  if (place_ == Place::kStart) {
    more = forward() ? records_->first() : records_->last();
  } else if (resumed_) {
    more = forward() ? records_->seek(last_record_ + 1) : records_->seek_before(last_record_);
  } else {
    more = forward() ? records_->next() : records_->previous();
  }
  if (more) last_record_ = records_->id();
  return more;
}

bool Scanner::advance_unique(std::uint64_t& keys_examined) {
  if (place_ == Place::kOnRow) return false;
  const std::optional<RecordId> found = transaction_->find_unique(*index_, scan_.unique_key);
  if (!found) return false;
  ++keys_examined;
  last_record_ = *found;
  return true;
}

bool Scanner::advance_entries(std::uint64_t& keys_examined) {
  if (!entries_) entries_.emplace(*transaction_, *index_);
  if (scan_.ranges.empty()) return false;
  bool more = false;
  if (place_ == Place::kStart) {
    more = enter_range();
  } else if (resumed_) {
    more = forward() ? entries_->seek_after(last_key_, last_record_)
                     : entries_->seek_before(last_key_, last_record_);
  } else {
    more = forward() ? entries_->next() : entries_->previous();
  }
  while (more) {
    ++keys_examined;
    const std::string_view key = entries_->key();
    // Past the range: on to the one that this entry is in or before.
    const auto is_past = [&](const KeyRange& range) {
      return forward() ? !range.high.empty() && key >= range.high : key < range.low;
    };
    while (range_ < scan_.ranges.size() && is_past(range(range_))) ++range_;
    if (range_ == scan_.ranges.size()) return false;
    if (is_within(range(range_), key)) {
      last_record_ = entries_->record();
      return true;
    }
    more = enter_range();
  }
  return false;
}

bool Scanner::enter_range() {
  const KeyRange& next = range(range_);
  return forward() ? entries_->seek(next.low) : entries_->seek_before(next.high);
}

bson::View Scanner::fetch() const {
  if (records_) return records_->document();
  const std::optional<bson::View> document = transaction_->get(*collection_, last_record_);
  if (!document) {
    throw Error(ErrorKind::kInternal, "localdb: index " + spec_of(*scan_.index).name + " of " +
                                          collection_->ns() +
                                          " points to a record that is not "
                                          "there; run `gesso localdb --check`");
  }
  return *document;
}

bool Scanner::is_first_of(bson::View document) const {
  if (!scan_.index || !scan_.unique_key.empty() || !index_->is_multikey()) return true;
  KeySet keys;
  index_->keys->keys_of(document, keys);
  const auto within = [&](const std::string& key) {
    const auto behind = std::upper_bound(
        scan_.ranges.begin(), scan_.ranges.end(), key,
        [](const std::string& left, const KeyRange& right) { return left < right.low; });
    return behind != scan_.ranges.begin() && is_within(*std::prev(behind), key);
  };
  if (forward()) {
    const auto first = std::find_if(keys.keys.begin(), keys.keys.end(), within);
    return first != keys.keys.end() && *first == entries_->key();
  }
  const auto first = std::find_if(keys.keys.rbegin(), keys.keys.rend(), within);
  return first != keys.keys.rend() && *first == entries_->key();
}

}  // namespace gesso::localdb
