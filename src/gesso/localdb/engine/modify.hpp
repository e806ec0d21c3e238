// Statements that change documents, run within the store's writer.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/localdb/engine/context.hpp"
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

// The changes of one operation to one collection. Borrows all it is given; lives within the
// operation.
class Modifier {
  Context& context_;
  WriteTransaction& write_;
  std::string_view name_;
  CollectionPtr collection_;  // null while there is none
  Time now_;
  std::function<void()> check_interrupt_;

 public:
  Modifier(Context& context, WriteTransaction& write, std::string_view collection);

  // Throws CommandError or StorageError; `outcome` then holds what had been done.
  void update(const UpdateStatement& statement, UpdateOutcome& outcome, Returning returning = {});
  // The number of documents. Throws as `update`.
  std::uint64_t remove(const DeleteStatement& statement);
  // Deletes the first that matches and gives it back.
  std::optional<bson::Document> take(const DeleteStatement& statement,
                                     const Projection* projection);

 private:
  // Every match, found before the first change: no statement meets its own output.
  [[nodiscard]] std::vector<RecordId> matches(const PlanRequest& request);
  [[nodiscard]] std::vector<RecordId> matches(const DeleteStatement& statement);
  void update_record(const UpdateStatement& statement, RecordId id, UpdateOutcome& outcome,
                     Returning returning);
  void insert_upsert(const UpdateStatement& statement, UpdateOutcome& outcome, Returning returning);
};

}  // namespace gesso::localdb
