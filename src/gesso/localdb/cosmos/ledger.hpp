// The account of one command under Cosmos DB's model: what it may do, what it costs, how long it
// waited.
//
// Made by the link that keeps account, for the time of a command; used by one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/localdb/cosmos/container.hpp"
#include "gesso/localdb/cosmos/dialect.hpp"
#include "gesso/localdb/cosmos/query_watch.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/dialect.hpp"

namespace gesso::localdb::cosmos {

class CommandLedger final : public Ledger, public Till {
  // What queries that have ended are going to be charged, of one partition.
  struct Due {
    Provision provision;
    double ru = 0;
  };
  // Collects what is charged.
  class DueTill final : public Till {
    std::map<std::pair<std::string, std::size_t>, Due> dues_;  // by owner and partition

   public:
    void charge(const Container& container, std::size_t partition, double ru) override;
    [[nodiscard]] const auto& dues() const { return dues_; }
    void clear() { dues_.clear(); }
  };

  const CosmosDialect& dialect_;
  Services& services_;
  Operation& operation_;
  std::string_view command_;
  std::chrono::steady_clock::time_point begun_;
  std::string activity_id_;
  std::vector<std::shared_ptr<QueryWatch>> watches_;
  DueTill ended_;  // of queries whose watches are gone: a $lookup has one for each document
  std::map<std::uint32_t, Container> containers_;  // of the collections that it touched
  double total_ = 0;
  std::chrono::milliseconds waited_{0};
  bson::Document stored_, seen_;  // what `insert` and `update`, and `visible` gave

 public:
  CommandLedger(const CosmosDialect& dialect, Services& services, Operation& operation,
                std::string_view command);

  std::shared_ptr<Watch> begin(const CollectionPtr& collection, PlanRequest& request,
                               QueryUse use) override;
  std::vector<std::shared_ptr<Watch>> hand_over() override;
  void resume(const std::vector<std::shared_ptr<Watch>>& watches) override;
  // The query that the command began with. REQUIRES: it began one, which has not ended.
  [[nodiscard]] const QueryWatch& first_query() const { return *watches_.front(); }
  bson::View insert(Writer& writer, const Collection& collection, bson::View document) override;
  bson::View update(const Collection& collection, bson::View before, bson::View after) override;
  void remove(const Collection& collection, bson::View document) override;
  std::optional<bson::View> visible(const Collection& collection, bson::View stored) override;
  [[nodiscard]] bool waits() const override { return dialect_.retries(); }
  void pause(const Throttled& refusal) override;

  void charge(const Container& container, std::size_t partition, double ru) override;

  // All queries are accounted for.
  void settle();
  // The command is begun anew.
  void begin_anew() {
    watches_.clear();
    ended_.clear();
  }
  const Container& container_of(const Collection& collection);
  // Throws Throttled.
  void admit(const Container& container, std::size_t partition);
  [[nodiscard]] double total() const noexcept { return total_; }
  [[nodiscard]] Statistics statistics() const;

 private:
  // Lets go of the watches that nobody else has.
  void drop_ended();
  void charge(const Provision& provision, std::size_t partition, double ru);
  void check_size(bson::View document) const;
  void remove_due(Writer& writer, const Collection& collection) const;
};

}  // namespace gesso::localdb::cosmos
