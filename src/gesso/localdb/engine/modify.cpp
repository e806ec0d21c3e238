#include "gesso/localdb/engine/modify.hpp"

#include <deque>

#include "gesso/localdb/engine/documents.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using SteadyClock = std::chrono::steady_clock;

// What a share is while others wait, and what it is at most. Rows bound the pages that a commit has
// to write: in an index each may be on a page of its own.
struct ShareLimits {
  std::chrono::milliseconds time;
  std::size_t bytes;
  std::uint64_t rows;
};
constexpr ShareLimits kAwaited = {
    .time = std::chrono::milliseconds{3}, .bytes = std::size_t{1} << 20, .rows = 256};
constexpr ShareLimits kAlone = {
    .time = std::chrono::milliseconds{10}, .bytes = std::size_t{4} << 20, .rows = 16 * 1024};
// How long the writer may look for the document of a statement before a snapshot does.
constexpr auto kSearchTime = std::chrono::milliseconds{2};
// So often is a single document sought anew, and then with the writer held.
constexpr int kMostMisses = 10;

bson::Document returned_from(bson::View document, const Projection* projection,
                             const Matcher& filter) {
  return projection != nullptr ? projection->apply(document, &filter) : bson::Document(document);
}

struct SearchTakesLong {};

}  // namespace

Share::Share(const Writer& writer)
    : writer_(writer),
      begun_(SteadyClock::now()),
      bytes_before_(writer.written_bytes()),
      rows_before_(writer.changes()) {}

bool Share::is_over() const {
  const ShareLimits& limits = writer_.is_awaited() ? kAwaited : kAlone;
  return writer_.written_bytes() - bytes_before_ >= limits.bytes ||
         writer_.changes() - rows_before_ >= limits.rows ||
         SteadyClock::now() - begun_ >= limits.time;
}

PlanRequest request_of(const UpdateStatement& statement) {
  return {.filter = statement.filter,
          .sort = statement.sort,
          .hint = statement.hint,
          .limit = statement.multi ? 0U : 1U};
}

PlanRequest request_of(const DeleteStatement& statement) {
  return {.filter = statement.filter,
          .sort = statement.sort,
          .hint = statement.hint,
          .limit = statement.multi ? 0U : 1U};
}

std::vector<RecordId> find_candidates(Context& context, std::string_view name,
                                      const PlanRequest& request) {
  std::vector<RecordId> found;
  const ReadTransaction snapshot = context.services.store.read();
  const CollectionPtr collection = snapshot.find_collection(context.db, name);
  if (!collection) return found;
  Execution execution = execute(context, snapshot, collection, request, QueryUse::kWrite);
  while (const auto record = execution.next()) found.push_back(record->id);
  execution.detach();
  execution.settle();
  return found;
}

Modifier::Modifier(Context& context, Writer& writer, std::string_view collection)
    : context_(context),
      writer_(writer),
      name_(collection),
      collection_(writer.find_collection(context.db, collection)),
      ledger_(context.ledger),
      now_(context.services.clock.now()),
      share_(writer) {}

void Modifier::insert(bson::View document) {
  context_.operation.check();
  if (!collection_) collection_ = writer_.ensure_collection(context_.db, name_);
  writer_.insert(*collection_,
                 ledger_ ? ledger_->insert(writer_, *collection_, document) : document);
}

std::optional<bson::View> Modifier::document_at(RecordId id) {
  const std::optional<bson::View> stored = writer_.get(*collection_, id);
  return stored && ledger_ ? ledger_->visible(*collection_, *stored) : stored;
}

// The first record that matches, if there is one; nothing at all where the search takes too long.
std::optional<std::optional<RecordId>> Modifier::find_one(const PlanRequest& request) {
  if (!collection_) return std::optional<RecordId>();
  const auto until = SteadyClock::now() + kSearchTime;
  PlanRequest one = request;
  one.limit = 1;
  std::optional<Execution> execution;
  try {
    Meter search([&] {
      context_.operation.check();
      if (SteadyClock::now() >= until) throw SearchTakesLong();
    });
    const Meter::Scope scope(&search);
    execution.emplace(execute(context_, writer_, collection_, one, QueryUse::kWrite));
    const std::optional<Record> record = execution->next();
    execution->detach();
    execution->settle();
    return record ? std::optional(record->id) : std::nullopt;
  } catch (const SearchTakesLong&) {
    if (execution) execution->cancel();
    return std::nullopt;
  }
}

template <class Change>
Pace Modifier::for_each(const PlanRequest& request, Progress& progress, Change change) {
  context_.operation.check();
  if (!progress.candidates) {
    // The document of a single statement is the writer's to find, if that is quick: nobody can
    // change it before its turn comes.
    std::optional<std::optional<RecordId>> found;
    if (request.limit == 1) found = find_one(request);
    if (!found) {
      progress.wants_snapshot = true;
      return Pace::kGivesWay;
    }
    if (!*found) return Pace::kDone;
    try {
      change(**found, *document_at(**found));
    } catch (const Throttled&) {
      progress.candidates = {**found};  // where it is taken up again
      throw;
    }
    progress.has_matched = true;
    return Pace::kDone;
  }
  while (progress.next < progress.candidates->size()) {
    if (share_.is_over()) return Pace::kGivesWay;
    context_.operation.check();
    const RecordId id = (*progress.candidates)[progress.next];
    if (!collection_) break;
    const std::optional<bson::View> document = document_at(id);
    if (document && (!request.filter || request.filter->matches(*document))) {
      change(id, *document);
      progress.has_matched = true;
      ++progress.next;  // one that was refused for now has its turn again
    } else if (request.limit == 1 && ++progress.misses < kMostMisses) {
      progress.candidates.reset();  // another document may match
      progress.next = 0;
      progress.wants_snapshot = true;
      return Pace::kGivesWay;
    } else {
      ++progress.next;
    }
  }
  return Pace::kDone;
}

Pace Modifier::update(const UpdateStatement& statement, Progress& progress, UpdateOutcome& outcome,
                      Returning returning) {
  const PlanRequest request = request_of(statement);
  const Pace pace = for_each(request, progress, [&](RecordId id, bson::View document) {
    update_record(statement, id, document, outcome, returning);
  });
  if (pace == Pace::kGivesWay || !statement.upsert || progress.has_matched) return pace;
  // A snapshot that had no match says nothing of now.
  if (progress.candidates) {
    const auto found = find_one(request);
    if (found && *found) {
      update_record(statement, **found, *document_at(**found), outcome, returning);
      return Pace::kDone;
    }
  }
  insert_upsert(statement, outcome, returning);
  return Pace::kDone;
}

void Modifier::update_record(const UpdateStatement& statement, RecordId id, bson::View document,
                             UpdateOutcome& outcome, Returning returning) {
  const Update::Applied applied = statement.update.apply(document, statement.filter.get(), now_);
  if (applied.changed) check_fits(applied.document);
  if (returning.which == Returning::Which::kBefore) {
    outcome.returned = returned_from(document, returning.projection, *statement.filter);
  } else if (returning.which == Returning::Which::kAfter) {
    outcome.returned = returned_from(applied.document, returning.projection, *statement.filter);
  }
  if (ledger_) {
    // There every update is one of the document, whether it changes something or not.
    writer_.replace(
        *collection_, id,
        ledger_->update(*collection_, document, applied.changed ? applied.document : document));
  } else if (applied.changed) {
    writer_.replace(*collection_, id, applied.document);
  }
  if (applied.changed) ++outcome.modified;
  ++outcome.matched;
}

void Modifier::insert_upsert(const UpdateStatement& statement, UpdateOutcome& outcome,
                             Returning returning) {
  std::deque<bson::Document> owned;
  owned.push_back(statement.update.upsert(*statement.filter, now_));
  // A replacement has put now in their place already; other updates keep them.
  const bson::View document =
      prepare_insert(owned.front(), context_.services, owned, EmptyTimestamps::kKeep);
  check_fits(document);
  if (returning.which == Returning::Which::kAfter) {
    outcome.returned = returned_from(document, returning.projection, *statement.filter);
  }
  bson::Document id = bson::make_document("_id", document["_id"]);
  insert(document);
  outcome.upserted_id = std::move(id);
}

Pace Modifier::remove(const DeleteStatement& statement, Progress& progress, std::uint64_t& removed,
                      Returning returning, std::optional<bson::Document>* returned) {
  return for_each(request_of(statement), progress, [&](RecordId id, bson::View document) {
    if (returning.which == Returning::Which::kBefore) {
      *returned = returned_from(document, returning.projection, *statement.filter);
    }
    if (ledger_) ledger_->remove(*collection_, document);
    if (writer_.remove(*collection_, id)) ++removed;
  });
}

}  // namespace gesso::localdb
