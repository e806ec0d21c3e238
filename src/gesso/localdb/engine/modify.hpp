// Statements that change documents, run within the store's writer in shares of a few milliseconds.
//
// A statement that takes longer gives way: its documents are found on a snapshot beside the writer,
// and each is held against the filter again when its turn to be changed comes. As in MongoDB,
// others may write between two documents of one statement, and never within one document.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/dialect.hpp"
#include "gesso/localdb/engine/query.hpp"
#include "gesso/localdb/language/update/update.hpp"

namespace gesso::localdb {

// Compiled; borrows from the message that it came in.
struct UpdateStatement {
  MatcherPtr filter;
  Update update;
  bson::Value hint = {};
  bson::View sort = {};  // which one, of those that match
  bool multi = false;
  bool upsert = false;
};

struct DeleteStatement {
  MatcherPtr filter;
  bson::Value hint = {};
  bson::View sort = {};
  bool multi = false;
};

struct UpdateOutcome {
  std::uint64_t matched = 0;
  std::uint64_t modified = 0;
  std::optional<bson::Document> upserted_id;  // {_id: ...}
  std::optional<bson::Document> returned;     // what `Returning` asked for, if there was one
};

// The document that a single statement gives back. It is made before the change is: what fails in
// making it has changed nothing.
struct Returning {
  enum class Which { kNone, kBefore, kAfter };
  Which which = Which::kNone;
  const Projection* projection = nullptr;  // null: the whole document
};

// How far a statement has come.
struct Progress {
  bool wants_snapshot = false;
  std::optional<std::vector<RecordId>> candidates;  // as a snapshot had them
  std::size_t next = 0;                             // of the candidates
  bool has_matched = false;
  int misses = 0;  // how often a candidate was changed before its turn came
};

enum class Pace {
  kDone,
  kGivesWay,  // to be continued in another operation of the writer; with candidates, where it
              // wants a snapshot
};

// What one operation of the writer may do before others have their turn: little while somebody
// waits, more while nobody does.
class Share {
  const Writer& writer_;
  std::chrono::steady_clock::time_point begun_;
  std::size_t bytes_before_;
  std::uint64_t rows_before_;

 public:
  explicit Share(const Writer& writer);
  [[nodiscard]] bool is_over() const;
};

// The records that a statement is about, on a snapshot of its own. Throws CommandError.
[[nodiscard]] std::vector<RecordId> find_candidates(Context& context, std::string_view collection,
                                                    const PlanRequest& request);

[[nodiscard]] PlanRequest request_of(const UpdateStatement& statement);
[[nodiscard]] PlanRequest request_of(const DeleteStatement& statement);

// The changes of one operation to one collection. Borrows all it is given; lives within the
// operation.
class Modifier {
  Context& context_;
  Writer& writer_;
  std::string_view name_;
  CollectionPtr collection_;  // null while there is none
  Ledger* ledger_;
  Time now_;
  Share share_;

 public:
  Modifier(Context& context, Writer& writer, std::string_view collection);

  [[nodiscard]] const Share& share() const { return share_; }
  // Another collection's, in the same operation.
  [[nodiscard]] Modifier of(std::string_view collection) const {
    return Modifier(context_, writer_, collection);
  }

  // Makes the collection if needed. Throws StorageError, CommandError.
  void insert(bson::View document);
  // Throws CommandError or StorageError; `outcome` then holds what had been done.
  Pace update(const UpdateStatement& statement, Progress& progress, UpdateOutcome& outcome,
              Returning returning = {});
  // Adds to `removed`. Throws as `update`. Of a single statement: what `returning` asks for.
  Pace remove(const DeleteStatement& statement, Progress& progress, std::uint64_t& removed,
              Returning returning = {}, std::optional<bson::Document>* returned = nullptr);

 private:
  // Changes the documents of a statement one by one by `change(record, document)`.
  template <class Change>
  Pace for_each(const PlanRequest& request, Progress& progress, Change change);
  [[nodiscard]] std::optional<std::optional<RecordId>> find_one(const PlanRequest& request);
  // What clients see of a record.
  [[nodiscard]] std::optional<bson::View> document_at(RecordId id);
  void update_record(const UpdateStatement& statement, RecordId id, bson::View document,
                     UpdateOutcome& outcome, Returning returning);
  void insert_upsert(const UpdateStatement& statement, UpdateOutcome& outcome, Returning returning);
};

// Runs one statement by `run(modifier, progress)`, in as many operations of the writer as it takes
// to find its document.
template <class Run>
void run_single(Context& context, std::string_view name, const PlanRequest& request, Run run) {
  Progress progress;
  Pace pace = Pace::kGivesWay;
  while (pace == Pace::kGivesWay) {
    try {
      if (progress.wants_snapshot) {
        progress.candidates = find_candidates(context, name, request);
        progress.wants_snapshot = false;
      }
      context.services.store.write(
          [&](WriteTransaction& write) {
            Modifier modifier(context, write, name);
            pace = run(modifier, progress);
          },
          OnError::kKeep);
    } catch (const Throttled& refusal) {
      context.ledger->pause(refusal);
    }
  }
}

}  // namespace gesso::localdb
