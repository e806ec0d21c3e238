#include "gesso/domain/backlog.hpp"

#include <boost/describe/class.hpp>
#include <mutex>
#include <utility>

#include "gesso/repositories/generation_repository.hpp"
#include "gesso/repositories/subscription_repository.hpp"
#include "gesso/repositories/user_repository.hpp"

namespace gesso::domain {

using namespace query;
using bson::make_array;
using bson::make_document;
using models::Generation;
using models::GenerationStatus;
using models::PendingCharge;

namespace {

constexpr std::int64_t kMostGenerations = 10'000;
constexpr std::int64_t kMostPayers = 1'000;
constexpr std::chrono::milliseconds kTimeout{5'000};

// Of the holds of a collection.
struct HoldFigures {
  std::int64_t count = 0;
  std::optional<Time> oldest = {};
};
BOOST_DESCRIBE_STRUCT(HoldFigures, (), (count, oldest))

template <class Model, class Repository>
void add_holds(Backlog& backlog, Repository repository) {
  const auto figures = repository.template aggregate<HoldFigures>(
      where<&Model::pending_charges, &PendingCharge::at> <= backlog.read_at,
      make_array(
          make_document("$limit", kMostPayers), make_document("$unwind", "$pending_charges"),
          make_document("$group",
                        make_document("_id", bson::Null{}, "count", make_document("$sum", 1),
                                      "oldest", make_document("$min", "$pending_charges.at"))),
          make_document("$project", make_document("_id", 0))));
  for (const HoldFigures& of : figures) {
    backlog.open_holds += of.count;
    if (of.oldest && (!backlog.oldest_hold_at || *of.oldest < *backlog.oldest_hold_at)) {
      backlog.oldest_hold_at = of.oldest;
    }
  }
}

}  // namespace

Backlog read_backlog(mongo::Session& session, const repositories::RepositoryContext& context) {
  repositories::GenerationRepository generations(session, context);
  Backlog backlog{.read_at = context.clock.now()};
  const auto count = [&](GenerationStatus status) {
    return generations.count(where<&Generation::status> == status, kMostGenerations);
  };
  backlog.pending = count(GenerationStatus::kPending);
  backlog.processing = count(GenerationStatus::kProcessing);
  if (const auto oldest = generations.get_pending_generations(1); !oldest.empty()) {
    backlog.oldest_pending_at = oldest.front().created_at;
  }
  add_holds<models::User>(backlog, repositories::UserRepository(session, context));
  add_holds<models::Subscription>(backlog, repositories::SubscriptionRepository(session, context));
  return backlog;
}

class BacklogWatch::State {
  const repositories::RepositoryContext& context_;
  const std::chrono::milliseconds max_age_;
  std::mutex mutex_;  // guards the two below
  std::optional<Backlog> latest_;
  bool reading_ = false;

 public:
  State(const repositories::RepositoryContext& context, std::chrono::milliseconds max_age)
      : context_(context), max_age_(max_age) {}

  // What there is, and whether the caller is to read it anew.
  std::pair<std::optional<Backlog>, bool> ask() {
    const std::lock_guard lock(mutex_);
    const bool is_fresh = latest_ && context_.clock.now() - latest_->read_at < max_age_;
    const bool read = !is_fresh && !reading_;
    if (read) reading_ = true;
    return {latest_, read};
  }
  void read(mongo::Session& session) {
    std::optional<Backlog> backlog;
    try {
      backlog = read_backlog(session, context_);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): its age tells
    }
    const std::lock_guard lock(mutex_);
    if (backlog) latest_ = backlog;
    reading_ = false;
  }
  void give_up() {
    const std::lock_guard lock(mutex_);
    reading_ = false;
  }
};

BacklogWatch::BacklogWatch(mongo::Service& database, const repositories::RepositoryContext& context,
                           std::chrono::milliseconds max_age)
    : database_(database), state_(std::make_shared<State>(context, max_age)) {}

std::optional<Backlog> BacklogWatch::latest() const {
  auto [backlog, read] = state_->ask();
  if (read) {
    database_.submit(
        Deadline::after(kTimeout),
        [state = state_](mongo::Session& session) { state->read(session); },
        [state = state_](const std::exception_ptr&) { state->give_up(); },
        mongo::Priority::kBackground);
  }
  return backlog;
}

}  // namespace gesso::domain
