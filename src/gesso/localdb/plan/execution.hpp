// Runs a plan: yields its records one after another, over as many transactions as it takes.
//
// A cursor keeps its Execution between commands and gives it each command's transaction: `detach`
// remembers the place (the last key and record id), `attach` seeks it again in the new snapshot. A
// blocking sort holds copies of its documents. Owned by its maker, used by one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/plan/plan.hpp"
#include "gesso/localdb/plan/watch.hpp"
#include "gesso/localdb/storage/transaction.hpp"

namespace gesso::localdb {

struct ExecutionOptions {
  std::size_t sort_memory_bytes = 100U << 20;  // past it a sort throws CommandError (292)
  std::shared_ptr<Watch> watch = {};           // null: documents are what is stored
};

struct ExecutionStats {
  std::uint64_t returned = 0;
  std::uint64_t keys_examined = 0;
  std::uint64_t docs_examined = 0;
};

// Charges the thread's meter for every row.
class Execution {
 public:
  class Impl;

 private:
  std::unique_ptr<Impl> impl_;

 public:
  explicit Execution(Plan plan, ExecutionOptions options = {});
  ~Execution();
  Execution(Execution&&) noexcept;
  Execution& operator=(Execution&&) noexcept;

  // Reads through `transaction` from now on, which must live until `detach`. Throws CommandError
  // (175) when the collection or the index of the plan is gone.
  void attach(const Transaction& transaction);
  // Needs no transaction any more until the next `attach`. Records handed out before are invalid,
  // as the transaction's documents are.
  void detach();

  // std::nullopt at the end. The document is valid until the next call, and for as long as the
  // transaction's documents are. An operation that writes must not read on after its first write:
  // let it collect the record ids first.
  std::optional<Record> next();
  // Puts the last record back, so that `next` yields it again (a batch that was full).
  void push_back();

  // Of the watch, if there is one.
  void settle();
  void cancel();

  // Bytes that a blocking sort keeps.
  [[nodiscard]] std::size_t memory() const;
  [[nodiscard]] const Plan& plan() const;
  [[nodiscard]] const ExecutionStats& stats() const;
  // {nReturned, executionTimeMillis is the caller's, totalKeysExamined, totalDocsExamined,
  //  executionStages}: the `executionStats` of explain without its times.
  [[nodiscard]] bson::Document describe() const;
};

// The number of documents that match, skip and limit applied: from metadata for no filter, from
// index entries alone where the ranges say it all, by fetching otherwise.
[[nodiscard]] std::uint64_t count(const Transaction& transaction, const CollectionPtr& collection,
                                  const PlanRequest& request, const ExecutionOptions& options = {});

}  // namespace gesso::localdb
