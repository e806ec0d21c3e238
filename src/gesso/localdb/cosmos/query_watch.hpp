// What one query read, partition by partition, and what that costs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/localdb/cosmos/container.hpp"
#include "gesso/localdb/cosmos/query_shape.hpp"
#include "gesso/localdb/engine/dialect.hpp"
#include "gesso/localdb/plan/watch.hpp"

namespace gesso::localdb::cosmos {

// Where charges go.
class Till {
 public:
  Till() = default;
  Till(const Till&) = delete;
  Till& operator=(const Till&) = delete;
  virtual void charge(const Container& container, std::size_t partition, double ru) = 0;

 protected:
  ~Till() = default;
};

// Outlives its command where a cursor goes on with it.
class QueryWatch final : public Watch {
 public:
  // Documents.
  struct Counted {
    std::uint64_t examined = 0;
    std::uint64_t given = 0;
  };

 private:
  struct Visit {
    Counted counted;
    std::size_t returned_bytes = 0;
    std::size_t scanned_bytes = 0;
    std::size_t returned = 0;
    bool has_match = false;
  };

  CollectionPtr collection_;
  Container container_;
  QueryShape shape_;
  QueryUse use_;
  bool is_sorted_;
  double weight_;  // of a read: 2 under the stronger consistencies
  Time now_;
  Till* till_;
  std::vector<Visit> visits_;  // by partition
  bson::Document seen_;
  bool is_open_ = true;      // something is to be accounted for
  bool is_further_ = false;  // it goes on with what another command began

 public:
  struct Options {
    QueryUse use = QueryUse::kFind;
    bool is_sorted = false;
    double weight = 1;
    Time now = {};
  };
  QueryWatch(CollectionPtr collection, Container container, QueryShape shape, Options options,
             Till& till);

  std::optional<bson::View> examine(bson::View stored) override;
  void given(bson::View document) override;
  void taken_back(bson::View document) override;
  void settle() override;
  void cancel() override { is_open_ = false; }
  // Is accounted for with another till.
  void settle_with(Till& till) {
    till_ = &till;
    settle();
  }

  // Another command goes on with it.
  void resume(Till& till, Time now);
  [[nodiscard]] const Container& container() const { return container_; }
  [[nodiscard]] const QueryShape& shape() const { return shape_; }
  [[nodiscard]] const Counted& counted(std::size_t partition) const {
    return visits_[partition].counted;
  }

 private:
  void settle_point();
};

// What clients see of a stored document, kept in `out`; std::nullopt where it is due.
[[nodiscard]] std::optional<bson::View> see(const Collection& collection, bson::View stored,
                                            Time now, bson::Document& out);

}  // namespace gesso::localdb::cosmos
