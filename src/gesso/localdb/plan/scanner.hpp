// Walks one scan of a plan, row by row, and finds its place again in another transaction.
//
// Private to plan/. Used by one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gesso/localdb/plan/plan.hpp"
#include "gesso/localdb/storage/transaction.hpp"

namespace gesso::localdb {

class Scanner {
  const Scan& scan_;
  enum class Place { kStart, kOnRow, kEnd } place_ = Place::kStart;
  std::size_t range_ = 0;  // among the scan's ranges, counted in the scan's direction
  std::string last_key_;   // of the row stood on when detached
  RecordId last_record_ = 0;
  bool resumed_ = false;  // attached anew and not moved since

  const Transaction* transaction_ = nullptr;
  CollectionPtr collection_;
  std::optional<RecordCursor> records_;
  std::optional<IndexCursor> entries_;
  const Index* index_ = nullptr;  // as it is in this transaction

 public:
  // Borrows the scan of a plan.
  explicit Scanner(const Scan& scan) : scan_(scan) {}

  // Throws CommandError (175) when the index is gone.
  void attach(const Transaction& transaction, const CollectionPtr& collection);
  void detach();

  // To the next row; false at the end. `keys_examined` counts entries looked at.
  bool advance(std::uint64_t& keys_examined);
  // The record of the row, which the scan of a collection has at hand and an index points to.
  [[nodiscard]] RecordId record() const { return last_record_; }
  [[nodiscard]] bson::View fetch() const;
  // Whether this is the first entry of its document among those that the scan comes to.
  [[nodiscard]] bool is_first_of(bson::View document) const;

 private:
  [[nodiscard]] bool forward() const { return scan_.direction == Direction::kForward; }
  [[nodiscard]] const KeyRange& range(std::size_t n) const {
    return forward() ? scan_.ranges[n] : scan_.ranges[scan_.ranges.size() - 1 - n];
  }
  bool advance_records();
  bool advance_unique(std::uint64_t& keys_examined);
  bool advance_entries(std::uint64_t& keys_examined);
  bool enter_range();
};

}  // namespace gesso::localdb
