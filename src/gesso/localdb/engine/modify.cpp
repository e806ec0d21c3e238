#include "gesso/localdb/engine/modify.hpp"

#include <deque>

#include "gesso/localdb/engine/documents.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {

Modifier::Modifier(Context& context, WriteTransaction& write, std::string_view collection)
    : context_(context),
      write_(write),
      name_(collection),
      collection_(write.find_collection(context.db, collection)),
      now_(context.services.clock.now()),
      check_interrupt_(context.interrupt()) {}

std::vector<RecordId> Modifier::matches(const PlanRequest& request) {
  std::vector<RecordId> ids;
  if (!collection_) return ids;
  Execution execution = execute(write_, collection_, request, check_interrupt_);
  while (const auto record = execution.next()) ids.push_back(record->id);
  execution.detach();
  return ids;
}

void Modifier::update(const UpdateStatement& statement, UpdateOutcome& outcome, Keep keep) {
  const std::vector<RecordId> ids = matches({.filter = statement.filter,
                                             .sort = statement.sort,
                                             .hint = statement.hint,
                                             .limit = statement.multi ? 0U : 1U});
  for (const RecordId id : ids) {
    check_interrupt_();
    update_record(statement, id, outcome, keep);
  }
  if (ids.empty() && statement.upsert) insert_upsert(statement, outcome, keep);
}

void Modifier::update_record(const UpdateStatement& statement, RecordId id, UpdateOutcome& outcome,
                             Keep keep) {
  const std::optional<bson::View> document = write_.get(*collection_, id);
  if (!document) return;
  Update::Applied applied = statement.update.apply(*document, statement.filter.get(), now_);
  if (keep == Keep::kBefore) outcome.before = bson::Document(*document);
  if (applied.changed) {
    check_fits(applied.document);
    write_.replace(*collection_, id, applied.document);
    ++outcome.modified;
  }
  ++outcome.matched;
  if (keep == Keep::kAfter) outcome.after = std::move(applied.document);
}

void Modifier::insert_upsert(const UpdateStatement& statement, UpdateOutcome& outcome, Keep keep) {
  std::deque<bson::Document> owned;
  owned.push_back(statement.update.upsert(*statement.filter, now_));
  const bson::View document = prepare_insert(owned.front(), context_.services, owned);
  check_fits(document);
  if (!collection_) collection_ = write_.ensure_collection(context_.db, name_);
  write_.insert(*collection_, document);
  outcome.upserted_id = bson::make_document("_id", document["_id"]);
  if (keep == Keep::kAfter) outcome.after = bson::Document(document);
}

std::uint64_t Modifier::remove(const DeleteStatement& statement,
                               std::optional<bson::Document>* removed) {
  const std::vector<RecordId> ids = matches({.filter = statement.filter,
                                             .sort = statement.sort,
                                             .hint = statement.hint,
                                             .limit = statement.multi ? 0U : 1U});
  std::uint64_t n = 0;
  for (const RecordId id : ids) {
    check_interrupt_();
    if (removed != nullptr) {
      if (const auto document = write_.get(*collection_, id)) *removed = bson::Document(*document);
    }
    if (write_.remove(*collection_, id)) ++n;
  }
  return n;
}

}  // namespace gesso::localdb
