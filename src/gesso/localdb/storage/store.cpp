#include "gesso/localdb/storage/store.hpp"

#include <semaphore.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <mutex>
#include <span>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "gesso/base/meter.hpp"
#include "gesso/localdb/storage/catalog_store.hpp"
#include "gesso/localdb/storage/commit_listeners.hpp"
#include "gesso/localdb/storage/environment.hpp"
#include "gesso/localdb/storage/sweep.hpp"

namespace gesso::localdb {
namespace {

struct TxnAborter {
  void operator()(MDB_txn* txn) const noexcept { mdb_txn_abort(txn); }
};
using TxnPtr = std::unique_ptr<MDB_txn, TxnAborter>;

// A commit holds no more than this, so that nobody waits long for what others brought: the writes
// of one operation are on the disk as fast as those of so many.
constexpr std::size_t kGroupOperations = 1024;
constexpr std::size_t kGroupBytes = std::size_t{4} << 20;
constexpr auto kGroupTime = std::chrono::milliseconds{5};

// How often an operation that waits for its turn looks whether it is still wanted.
constexpr auto kBetweenLooks = std::chrono::milliseconds{20};

// Kept free for deletes: of a full map every change needs some pages before it gives others back.
std::uint64_t reserve_of(std::uint64_t map_bytes) {
  return std::min<std::uint64_t>(map_bytes / 8, std::uint64_t{64} << 20);
}

// One wake-up of one thread. POSIX lets the woken one destroy it at once, which neither a condition
// variable without its mutex nor std::binary_semaphore does; and whoever is woken needs no mutex.
class WakeUp {
  sem_t semaphore_{};

 public:
  WakeUp() { ::sem_init(&semaphore_, 0, 0); }
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;
  ~WakeUp() { ::sem_destroy(&semaphore_); }

  void give() { ::sem_post(&semaphore_); }
  void wait() {
    while (::sem_wait(&semaphore_) != 0) {  // a signal came
    }
  }
  // Whether it came in that time.
  bool wait_for(std::chrono::nanoseconds time) {
    const auto until = std::chrono::steady_clock::now().time_since_epoch() + time;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(until);
    const timespec end{.tv_sec = seconds.count(), .tv_nsec = (until - seconds).count()};
    while (::sem_clockwait(&semaphore_, CLOCK_MONOTONIC, &end) != 0) {
      if (errno == ETIMEDOUT) return false;
    }
    return true;
  }
};

}  // namespace

// The order of destruction: the sweep's thread ends first (it uses all else), then the pooled
// transactions, then the environment.
class Store::Impl {
  StoreOptions options_;
  SystemClock system_clock_;
  Environment environment_;

  std::mutex readers_mutex_;  // guards the three below
  std::vector<TxnPtr> idle_;
  std::shared_ptr<const Catalog> catalog_ = std::make_shared<Catalog>();
  std::uint64_t catalog_version_ = 0;

  // Of writers. The first of the queue leads: it runs the operations of those that wait, as many as
  // a group may hold, commits once and wakes them; the next group is whatever is queued then. Who
  // has not been taken into a group may leave the queue.
  struct Waiting {
    const Operation* operation;
    OnError on_error;
    Meter* meter;  // of whoever waits: the work is on its account, whichever thread does it
    std::exception_ptr error = {};
    bool taken = false;              // it leads, or is in a group: `turn` will be given
    std::atomic<bool> done = false;  // set before `turn` is given: by another's commit
    WakeUp turn = {};                // done, or the first of the queue
  };
  // On the stack, since a leader that found no memory would leave all others waiting.
  class Group {
    std::array<Waiting*, kGroupOperations> members_;  // the first `size_` of them
    std::size_t size_ = 0;

   public:
    Group() {}  // NOLINT: a member is written before it is read
    void add(Waiting& one) { members_.at(size_++) = &one; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::span<Waiting* const> members() const {
      return std::span(members_).first(size_);
    }
  };
  // Guards the three below, `taken` and what `count_waiting` sets; held while one that waits asks
  // its meter, which a leader that takes it would use.
  std::mutex queue_mutex_;
  std::deque<Waiting*> queue_;
  std::uint64_t commits_ = 0;
  std::uint64_t writes_ = 0;
  std::atomic<std::size_t> waiting_ =
      0;  // in the queue behind the leader; for its operation to look at

  CommitListeners listeners_;

  std::mutex sweep_mutex_;  // guards nothing but the wait for `stopping_`
  std::atomic<bool> stopping_ = false;
  std::condition_variable sweep_wakes_;
  std::thread sweeper_;

 public:
  explicit Impl(StoreOptions options)
      : options_(std::move(options)),
        environment_(options_.data_dir, options_.map_bytes, options_.read_index) {
    const TxnPtr txn = begin_read();
    catalog_ = read_catalog(environment_, txn.get());
    catalog_version_ = read_catalog_version(environment_, txn.get());
  }

  ~Impl() {
    {
      const std::lock_guard lock(sweep_mutex_);
      stopping_ = true;
    }
    sweep_wakes_.notify_all();
    if (sweeper_.joinable()) sweeper_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] const Environment& environment() const { return environment_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return options_.data_dir; }
  [[nodiscard]] const Clock& clock() const {
    return options_.clock != nullptr ? *options_.clock : system_clock_;
  }

  [[nodiscard]] const std::atomic<bool>& stopping() const { return stopping_; }
  [[nodiscard]] CommitListeners& listeners() { return listeners_; }

  std::pair<MDB_txn*, std::shared_ptr<const Catalog>> acquire();
  void release(MDB_txn* txn) noexcept;
  void write(const Operation& operation, OnError on_error);
  void start_sweeping(Store& store);
  [[nodiscard]] Stats stats();

 private:
  [[nodiscard]] TxnPtr begin_read() {
    MDB_txn* txn = nullptr;
    check_lmdb(mdb_txn_begin(environment_.native(), nullptr, MDB_RDONLY, &txn), "begin a read");
    return TxnPtr(txn);
  }
  [[nodiscard]] TxnPtr begin_write(MDB_txn* parent) {
    MDB_txn* txn = nullptr;
    check_lmdb(mdb_txn_begin(environment_.native(), parent, 0, &txn), "begin a commit");
    return TxnPtr(txn);
  }
  // Wherever the queue changes.
  void count_waiting() {
    waiting_.store(queue_.empty() ? 0 : queue_.size() - 1, std::memory_order_relaxed);
  }
  [[nodiscard]] bool has_room();
  void wait_for_turn(Waiting& self);
  void lead();
  Waiting* take(std::size_t position);
  [[nodiscard]] CommitNews commit(Group& group, std::size_t most);
  void run_group(Group& group, std::size_t most, WriteTransaction& transaction);
  void run_undoable(Waiting& waiting, WriteTransaction& group);
};

std::pair<MDB_txn*, std::shared_ptr<const Catalog>> Store::Impl::acquire() {
  TxnPtr txn;
  std::shared_ptr<const Catalog> catalog;
  std::uint64_t catalog_version = 0;
  {
    const std::lock_guard lock(readers_mutex_);
    if (!idle_.empty()) {
      txn = std::move(idle_.back());
      idle_.pop_back();
    }
    catalog = catalog_;
    catalog_version = catalog_version_;
  }
  if (txn) {
    check_lmdb(mdb_txn_renew(txn.get()), "renew a read");
  } else {
    txn = begin_read();
  }
  // A commit may have come between its catalog and this snapshot, in either order.
  if (read_catalog_version(environment_, txn.get()) != catalog_version) {
    catalog = read_catalog(environment_, txn.get());
  }
  return {txn.release(), std::move(catalog)};
}

void Store::Impl::release(MDB_txn* txn) noexcept {
  TxnPtr owned(txn);
  mdb_txn_reset(txn);
  const std::lock_guard lock(readers_mutex_);
  idle_.push_back(std::move(owned));
}

void Store::Impl::write(const Operation& operation, OnError on_error) {
  Waiting self{.operation = &operation, .on_error = on_error, .meter = Meter::current()};
  bool leads = false;
  {
    const std::lock_guard lock(queue_mutex_);
    queue_.push_back(&self);
    leads = queue_.size() == 1;
    self.taken = leads;
    count_waiting();
  }
  if (!leads) wait_for_turn(self);
  if (!self.done) lead();
  if (self.error) std::rethrow_exception(self.error);
}

// Throws what the meter does, and has left the queue then.
void Store::Impl::wait_for_turn(Waiting& self) {
  if (self.meter == nullptr) return self.turn.wait();
  while (!self.turn.wait_for(kBetweenLooks)) {
    const std::lock_guard lock(queue_mutex_);
    if (self.taken) continue;
    try {
      self.meter->look();
    } catch (...) {
      std::erase(queue_, &self);
      count_waiting();
      throw;
    }
  }
}

void Store::Impl::lead() {
  const Meter::Scope on_nobodys_account(nullptr);
  Group group;
  std::size_t most = 0;
  {
    const std::lock_guard lock(queue_mutex_);
    most = std::min(queue_.size(), kGroupOperations);
    group.add(*queue_.front());
  }
  const CommitNews news = commit(group, most);
  Waiting* next = nullptr;
  {
    const std::lock_guard lock(queue_mutex_);
    commits_ += 1;
    writes_ += group.size();
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(group.size()));
    if (!queue_.empty()) {
      next = queue_.front();
      next->taken = true;
    }
    count_waiting();
  }
  if (next != nullptr) next->turn.give();
  for (Waiting* const waiting : group.members().subspan(1)) {  // the first is the caller
    waiting->done = true;
    waiting->turn.give();
  }
  news.tell();
}

// The one at that position of the queue, for a group; null where the queue has become shorter.
Store::Impl::Waiting* Store::Impl::take(std::size_t position) {
  const std::lock_guard lock(queue_mutex_);
  if (position >= queue_.size()) return nullptr;
  queue_[position]->taken = true;
  return queue_[position];
}

// Free pages are counted only where the file is almost as large as its map.
bool Store::Impl::has_room() {
  const std::uint64_t map = environment_.map_bytes();
  const std::uint64_t left = map - std::min(map, environment_.used_bytes());
  const std::uint64_t reserve = reserve_of(map);
  if (left > reserve) return true;
  const TxnPtr snapshot = begin_read();
  return left + count_free_pages(snapshot.get()) * environment_.page_bytes() > reserve;
}

// Runs and commits a group, of which `group` has the first and gets the others: those at the front
// of the queue. Leaves in each of them the error that it is to throw, and throws nothing itself.
// What is returned is for those who listen.
CommitNews Store::Impl::commit(Group& group, std::size_t most) {
  try {
    const bool room = has_room();
    TxnPtr txn = begin_write(nullptr);
    std::shared_ptr<const Catalog> catalog;
    std::uint64_t version = 0;
    {
      const std::lock_guard lock(readers_mutex_);
      catalog = catalog_;
      version = catalog_version_;
    }
    WriteTransaction transaction(environment_, txn.get(), std::move(catalog), room, waiting_,
                                 CommitNews(listeners_.current()));
    run_group(group, most, transaction);
    transaction.throw_if_broken();
    if (transaction.changes() == 0) return {};  // nothing to write: `txn` is given up
    const bool catalog_changed = transaction.flush();
    check_lmdb(mdb_txn_commit(txn.release()), "commit");
    if (catalog_changed) {
      const std::lock_guard lock(readers_mutex_);
      catalog_ = transaction.shared_catalog();
      catalog_version_ = version + 1;
    }
    return transaction.take_news();
  } catch (...) {
    for (Waiting* const waiting : group.members()) {
      if (!waiting->error) waiting->error = std::current_exception();
    }
  }
  return {};
}

void Store::Impl::run_group(Group& group, std::size_t most, WriteTransaction& transaction) {
  const auto until = std::chrono::steady_clock::now() + kGroupTime;
  for (;;) {
    Waiting& waiting = *group.members().back();
    const Meter::Scope scope(waiting.meter);
    if (waiting.on_error == OnError::kUndo) {
      run_undoable(waiting, transaction);
    } else {
      try {
        (*waiting.operation)(transaction);
      } catch (...) {
        waiting.error = std::current_exception();
      }
    }
    if (group.size() == most || transaction.is_broken() ||
        transaction.written_bytes() >= kGroupBytes || std::chrono::steady_clock::now() >= until) {
      return;
    }
    Waiting* const next = take(group.size());
    if (next == nullptr) return;
    group.add(*next);
  }
}

// In a transaction within the group's: what it changed goes with that, and the group does not
// notice.
void Store::Impl::run_undoable(Waiting& waiting, WriteTransaction& group) {
  try {
    TxnPtr txn = begin_write(group.native());
    WriteTransaction own(group, txn.get());
    (*waiting.operation)(own);
    own.throw_if_broken();
    check_lmdb(mdb_txn_commit(txn.release()), "commit an operation");
    group.take_over(std::move(own));
  } catch (...) {
    waiting.error = std::current_exception();
  }
}

void Store::Impl::start_sweeping(Store& store) {
  if (options_.sweep_period.count() == 0) return;
  sweeper_ = std::thread([this, &store] {
    std::unique_lock lock(sweep_mutex_);
    while (!sweep_wakes_.wait_for(lock, options_.sweep_period, [&] { return stopping_.load(); })) {
      lock.unlock();
      try {
        store.sweep();
      } catch (const std::exception& error) {
        spdlog::error("localdb: the sweep failed and is tried again later: {}", error.what());
      }
      lock.lock();
    }
  });
}

Store::Stats Store::Impl::stats() {
  Stats stats{.file_bytes = environment_.used_bytes(),
              .map_bytes = environment_.map_bytes(),
              .page_bytes = environment_.page_bytes()};
  const std::lock_guard lock(queue_mutex_);
  stats.commits = commits_;
  stats.writes = writes_;
  return stats;
}

ReadTransaction::ReadTransaction(const Store& store) : store_(&store) {
  environment_ = &store.impl_->environment();
  std::tie(txn_, catalog_) = store.impl_->acquire();
}

ReadTransaction::ReadTransaction(ReadTransaction&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)) {
  environment_ = other.environment_;
  txn_ = std::exchange(other.txn_, nullptr);
  catalog_ = std::move(other.catalog_);
}

ReadTransaction::~ReadTransaction() {
  if (store_ != nullptr) store_->impl_->release(txn_);
}

namespace {

// What was being built when the process ended is built by nobody now.
void abandon_builds(Store& store) {
  std::vector<CollectionPtr> unfinished;
  for (const CollectionPtr& collection : store.read().catalog().all()) {
    if (!collection->building.empty()) unfinished.push_back(collection);
  }
  if (unfinished.empty()) return;
  store.write([&](WriteTransaction& write) {
    for (const CollectionPtr& collection : unfinished) {
      for (const auto& index : collection->building) write.abandon_index(*collection, index->id);
    }
  });
}

}  // namespace

Store::Store(StoreOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
  abandon_builds(*this);
  impl_->start_sweeping(*this);
}

Store::~Store() = default;

ReadTransaction Store::read() const { return ReadTransaction(*this); }
const std::filesystem::path& Store::folder() const { return impl_->folder(); }
void Store::run_write(const Operation& operation, OnError on_error) {
  impl_->write(operation, on_error);
}
Listening Store::listen(std::string_view database, std::string_view collection,
                        OnCommitted on_committed) {
  return impl_->listeners().listen(database, collection, std::move(on_committed));
}
std::size_t Store::sweep() { return sweep_store(*this, impl_->clock().now(), impl_->stopping()); }

Store::Stats Store::stats(const Transaction& snapshot) const {
  Stats stats = impl_->stats();
  stats.free_bytes = count_free_pages(snapshot.native()) * stats.page_bytes;
  return stats;
}

}  // namespace gesso::localdb
