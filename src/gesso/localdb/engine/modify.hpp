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
  // Of a single update, where the caller asks for them.
  std::optional<bson::Document> before;
  std::optional<bson::Document> after;
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
  enum class Keep { kNothing, kBefore, kAfter };

  Modifier(Context& context, WriteTransaction& write, std::string_view collection);

  // Throws CommandError; `outcome` then holds what had been done.
  void update(const UpdateStatement& statement, UpdateOutcome& outcome, Keep keep = Keep::kNothing);
  // The number of documents; the one of a single delete in `removed`, where given.
  std::uint64_t remove(const DeleteStatement& statement,
                       std::optional<bson::Document>* removed = nullptr);

 private:
  // Every match, found before the first change: no statement meets its own output.
  [[nodiscard]] std::vector<RecordId> matches(const PlanRequest& request);
  void update_record(const UpdateStatement& statement, RecordId id, UpdateOutcome& outcome,
                     Keep keep);
  void insert_upsert(const UpdateStatement& statement, UpdateOutcome& outcome, Keep keep);
};

}  // namespace gesso::localdb
