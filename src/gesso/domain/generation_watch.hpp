// Watches single generations for those who wait for them, such as streams of server-sent events.
//
// Where the database can tell of every change (`WatchOptions::has_feed`), `changed` says which
// generation to look at, whoever changed it, and nobody asks in vain. So it is while a server's
// change stream is open (generation_feed.hpp). Elsewhere what this process
// changes is told by `notify` and passed on at once, and what others change is found by one query
// for all that are due by look_schedule.hpp: soon after something happened to a generation, more
// and more seldom while nothing does. However many watch, there is one thread, and it calls them.
//
// Each state that a watcher may see has a position, which only grows: it is the event's id, and a
// watcher that comes back names the last one it has seen. States in between may be passed over; the
// last one never is.
//
// Thread-safe. Owned by whoever serves; must outlive its subscriptions, and end before what `fetch`
// uses does.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "gesso/domain/look_schedule.hpp"
#include "gesso/models/generation.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/repository_context.hpp"

namespace gesso::domain {

// Where a generation is on its way. Grows with every claim, every return to the queue, a request to
// cancel, and the end.
[[nodiscard]] std::int64_t position_of(const models::Generation& generation);

struct GenerationEvent {
  std::int64_t position = 0;
  bool is_last = false;                               // nothing follows
  std::optional<models::Generation> generation = {};  // absent where it was deleted
};

struct WatchOptions {
  LookIntervals looks = {};  // at one generation
  // `changed` is called for each change of a generation. It is looked at every half minute all the
  // same, for what no feed tells: a collection that was dropped.
  bool has_feed = false;
  // After how long without an event a watcher's `on_quiet` is called.
  std::chrono::milliseconds quiet{15'000};  // to a quarter more
};

class GenerationWatch {
 public:
  // The generations with these ids; those that are not there are left out. Called on the watch's
  // thread, may block, may throw Error (it is asked again).
  using Fetch =
      std::function<std::vector<models::Generation>(const std::vector<models::GenerationId>&)>;
  // Called on the watch's thread; must not block, and may end its own subscription.
  using OnEvent = std::function<void(const GenerationEvent&)>;
  // As OnEvent: nothing has happened for a while.
  using OnQuiet = std::function<void()>;

 private:
  struct Watcher {
    models::GenerationId id;
    std::int64_t position;  // of what it was told last; the watch's thread alone, as what follows
    std::chrono::steady_clock::time_point last_told;
    OnEvent on_event;
    OnQuiet on_quiet;
  };

 public:
  // Ends the watch when it is destroyed: afterwards the callback does not run, and does not begin.
  // Blocks while it runs, except within it. Move-only.
  class Subscription {
    GenerationWatch* watch_ = nullptr;
    std::shared_ptr<Watcher> watcher_;
    friend class GenerationWatch;
    Subscription(GenerationWatch& watch, std::shared_ptr<Watcher> watcher)
        : watch_(&watch), watcher_(std::move(watcher)) {}

   public:
    Subscription() = default;
    Subscription(Subscription&& other) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription() { end(); }
    void end();
  };

  explicit GenerationWatch(Fetch fetch, WatchOptions options = {});
  // Looks by the service, a unit of work a look.
  GenerationWatch(mongo::Service& database, const repositories::RepositoryContext& context,
                  WatchOptions options = {});
  ~GenerationWatch();
  GenerationWatch(const GenerationWatch&) = delete;
  GenerationWatch& operator=(const GenerationWatch&) = delete;

  // Tells of the generation's state soon, if it is behind `after` (a position; -1 for any), and
  // then of each that follows. Does not block.
  [[nodiscard]] Subscription watch(const models::GenerationId& id, std::int64_t after,
                                   OnEvent on_event, OnQuiet on_quiet = {});
  // Says that this process has changed a generation. Costs next to nothing where nobody watches it,
  // or where there is a feed, which says the same.
  void notify(const models::Generation& generation);
  // Says that somebody has changed the generation: it is looked at at once. Costs next to nothing
  // where nobody watches it.
  void changed(const models::GenerationId& id);
  // From now on `changed` is called for each change, or is not any more: all that are watched are
  // looked at once, and from then on seldom, or again as often as without.
  void feed_opened();
  void feed_closed();
  // Blocks until anybody watches; false where it was stopped.
  [[nodiscard]] bool wait_for_watchers(const std::stop_token& stop);
  // How many watch.
  [[nodiscard]] std::size_t watchers() const;

 private:
  using Watchers = std::vector<std::shared_ptr<Watcher>>;

  Fetch fetch_;
  const WatchOptions options_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<models::GenerationId, Watchers> watchers_;
  LookSchedule schedule_;                     // of those that are watched
  std::vector<models::Generation> notified_;  // and not yet passed on
  const Watcher* running_ = nullptr;          // whose callback runs
  bool ending_ = false;
  std::condition_variable changed_;
  std::thread thread_;

  void use(const LookIntervals& intervals);
  void work();
  // Looks at these, and tells of what is new or gone.
  void look(const std::vector<models::GenerationId>& ids);
  void looked(const std::vector<models::GenerationId>& ids, LookSchedule::Found found);
  // Whether that was new to anybody.
  bool tell(const models::GenerationId& id, const GenerationEvent& event);
  void tell_of_quiet(std::chrono::steady_clock::time_point now);
  // REQUIRES: `lock` is held; it is not while the callback runs.
  void call(std::unique_lock<std::mutex>& lock, Watcher& watcher,
            const std::function<void()>& callback);
  void unsubscribe(const std::shared_ptr<Watcher>& watcher);
  // REQUIRES: the mutex is held.
  [[nodiscard]] bool is_there(const std::shared_ptr<Watcher>& watcher) const;
  void remove(const std::shared_ptr<Watcher>& watcher);
};

}  // namespace gesso::domain
