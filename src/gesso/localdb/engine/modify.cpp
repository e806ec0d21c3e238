#include "gesso/localdb/engine/modify.hpp"

#include <deque>

#include "gesso/localdb/engine/documents.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

bson::Document returned(bson::View document, const Projection* projection, const Matcher& filter) {
  return projection != nullptr ? projection->apply(document, &filter) : bson::Document(document);
}

}  // namespace

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

std::vector<RecordId> Modifier::matches(const DeleteStatement& statement) {
  return matches({.filter = statement.filter,
                  .sort = statement.sort,
                  .hint = statement.hint,
                  .limit = statement.multi ? 0U : 1U});
}

void Modifier::update(const UpdateStatement& statement, UpdateOutcome& outcome,
                      Returning returning) {
  const std::vector<RecordId> ids = matches({.filter = statement.filter,
                                             .sort = statement.sort,
                                             .hint = statement.hint,
                                             .limit = statement.multi ? 0U : 1U});
  for (const RecordId id : ids) {
    check_interrupt_();
    update_record(statement, id, outcome, returning);
  }
  if (ids.empty() && statement.upsert) insert_upsert(statement, outcome, returning);
}

void Modifier::update_record(const UpdateStatement& statement, RecordId id, UpdateOutcome& outcome,
                             Returning returning) {
  const std::optional<bson::View> document = write_.get(*collection_, id);
  if (!document) return;
  const Update::Applied applied = statement.update.apply(*document, statement.filter.get(), now_);
  if (applied.changed) check_fits(applied.document);
  if (returning.which == Returning::Which::kBefore) {
    outcome.returned = returned(*document, returning.projection, *statement.filter);
  } else if (returning.which == Returning::Which::kAfter) {
    outcome.returned = returned(applied.document, returning.projection, *statement.filter);
  }
  if (applied.changed) {
    write_.replace(*collection_, id, applied.document);
    ++outcome.modified;
  }
  ++outcome.matched;
}

void Modifier::insert_upsert(const UpdateStatement& statement, UpdateOutcome& outcome,
                             Returning returning) {
  std::deque<bson::Document> owned;
  owned.push_back(statement.update.upsert(*statement.filter, now_));
  const bson::View document = prepare_insert(owned.front(), context_.services, owned);
  check_fits(document);
  if (returning.which == Returning::Which::kAfter) {
    outcome.returned = returned(document, returning.projection, *statement.filter);
  }
  bson::Document id = bson::make_document("_id", document["_id"]);
  if (!collection_) collection_ = write_.ensure_collection(context_.db, name_);
  write_.insert(*collection_, document);
  outcome.upserted_id = std::move(id);
}

std::uint64_t Modifier::remove(const DeleteStatement& statement) {
  std::uint64_t n = 0;
  for (const RecordId id : matches(statement)) {
    check_interrupt_();
    if (write_.remove(*collection_, id)) ++n;
  }
  return n;
}

std::optional<bson::Document> Modifier::take(const DeleteStatement& statement,
                                             const Projection* projection) {
  for (const RecordId id : matches(statement)) {
    const std::optional<bson::View> document = write_.get(*collection_, id);
    if (!document) continue;
    bson::Document taken = returned(*document, projection, *statement.filter);
    write_.remove(*collection_, id);
    return taken;
  }
  return std::nullopt;
}

}  // namespace gesso::localdb
