#include "gesso/localdb/storage/store.hpp"

#include <semaphore.h>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <span>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/localdb/storage/catalog_store.hpp"
#include "gesso/localdb/storage/environment.hpp"
#include "gesso/localdb/storage/sweep.hpp"

namespace gesso::localdb {
namespace {

struct TxnAborter {
  void operator()(MDB_txn* txn) const noexcept { mdb_txn_abort(txn); }
};
using TxnPtr = std::unique_ptr<MDB_txn, TxnAborter>;

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
};

}  // namespace

// The order of destruction: the sweep's thread ends first (it uses all else), then the pooled
// transactions, then the environment.
class Store::Impl {
  StoreOptions options_;
  SystemClock system_clock_;
  Environment environment_;

  // Of readers. A map that grows keeps new ones out and waits for the old ones.
  std::mutex readers_mutex_;  // guards the five below
  std::condition_variable readers_changed_;
  std::size_t active_readers_ = 0;
  bool growing_ = false;
  std::vector<TxnPtr> idle_;
  std::shared_ptr<const Catalog> catalog_ = std::make_shared<Catalog>();
  std::uint64_t catalog_version_ = 0;

  // Of writers. The first of the queue leads: it runs the operations of all that wait, commits once
  // and wakes them; the next group is whatever queued meanwhile.
  struct Waiting {
    const Operation* operation;
    std::exception_ptr error = {};
    bool done = false;  // set before `turn` is given: by another's commit
    WakeUp turn = {};   // done, or the first of the queue
  };
  std::mutex queue_mutex_;  // guards the three below
  std::deque<Waiting*> queue_;
  std::uint64_t commits_ = 0;
  std::uint64_t writes_ = 0;

  std::mutex sweep_mutex_;  // guards the one below
  bool stopping_ = false;
  std::condition_variable sweep_wakes_;
  std::thread sweeper_;

 public:
  explicit Impl(StoreOptions options)
      : options_(std::move(options)), environment_(options_.data_dir, options_.map_bytes) {
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
  [[nodiscard]] const Clock& clock() const {
    return options_.clock != nullptr ? *options_.clock : system_clock_;
  }

  std::pair<MDB_txn*, std::shared_ptr<const Catalog>> acquire();
  void release(MDB_txn* txn) noexcept;
  void write(const Operation& operation);
  void start_sweeping(Store& store);
  [[nodiscard]] Stats stats();

 private:
  [[nodiscard]] TxnPtr begin_read() {
    MDB_txn* txn = nullptr;
    check_lmdb(mdb_txn_begin(environment_.native(), nullptr, MDB_RDONLY, &txn), "begin a read");
    return TxnPtr(txn);
  }
  void lead();
  void commit(const std::vector<Waiting*>& batch);
  bool try_commit(const std::vector<Waiting*>& batch);
  static bool run(Waiting& waiting, WriteTransaction& transaction);
  void grow_map();
};

std::pair<MDB_txn*, std::shared_ptr<const Catalog>> Store::Impl::acquire() {
  TxnPtr txn;
  std::shared_ptr<const Catalog> catalog;
  std::uint64_t catalog_version = 0;
  {
    std::unique_lock lock(readers_mutex_);
    readers_changed_.wait(lock, [&] { return !growing_; });
    if (!idle_.empty()) {
      txn = std::move(idle_.back());
      idle_.pop_back();
    }
    catalog = catalog_;
    catalog_version = catalog_version_;
    ++active_readers_;
  }
  try {
    if (txn) {
      check_lmdb(mdb_txn_renew(txn.get()), "renew a read");
    } else {
      txn = begin_read();
    }
    // A commit may have come between its catalog and this snapshot, in either order.
    if (read_catalog_version(environment_, txn.get()) != catalog_version) {
      catalog = read_catalog(environment_, txn.get());
    }
  } catch (...) {
    txn.reset();
    release(nullptr);
    throw;
  }
  return {txn.release(), std::move(catalog)};
}

void Store::Impl::release(MDB_txn* txn) noexcept {
  TxnPtr owned(txn);
  if (txn != nullptr) mdb_txn_reset(txn);
  const std::lock_guard lock(readers_mutex_);
  --active_readers_;
  if (owned) idle_.push_back(std::move(owned));
  if (growing_) readers_changed_.notify_all();
}

void Store::Impl::grow_map() {
  std::unique_lock lock(readers_mutex_);
  growing_ = true;
  readers_changed_.wait(lock, [&] { return active_readers_ == 0; });
  try {
    environment_.grow();
  } catch (...) {
    growing_ = false;
    readers_changed_.notify_all();
    throw;
  }
  growing_ = false;
  readers_changed_.notify_all();
}

void Store::Impl::write(const Operation& operation) {
  Waiting self{.operation = &operation};
  bool leads = false;
  {
    const std::lock_guard lock(queue_mutex_);
    queue_.push_back(&self);
    leads = queue_.size() == 1;
  }
  if (!leads) self.turn.wait();
  if (!self.done) lead();
  if (self.error) std::rethrow_exception(self.error);
}

void Store::Impl::lead() {
  std::vector<Waiting*> batch;
  {
    const std::lock_guard lock(queue_mutex_);
    batch.assign(queue_.begin(), queue_.end());
  }
  commit(batch);
  Waiting* next = nullptr;
  {
    const std::lock_guard lock(queue_mutex_);
    commits_ += 1;
    writes_ += batch.size();
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(batch.size()));
    if (!queue_.empty()) next = queue_.front();
  }
  if (next != nullptr) next->turn.give();
  for (Waiting* const waiting : std::span(batch).subspan(1)) {  // the first is the caller
    waiting->done = true;
    waiting->turn.give();
  }
}

// Leaves in each of the batch the error that it is to throw. Throws nothing itself.
void Store::Impl::commit(const std::vector<Waiting*>& batch) {
  try {
    for (;;) {
      try {
        if (try_commit(batch)) return;
      } catch (const MapFull&) {
        grow_map();
      }
    }
  } catch (...) {
    for (Waiting* const waiting : batch) {
      if (!waiting->error) waiting->error = std::current_exception();
    }
  }
}

// One transaction over those of the batch that have not failed. False when it has to be run again
// without an operation that failed half-way.
bool Store::Impl::try_commit(const std::vector<Waiting*>& batch) {
  MDB_txn* raw = nullptr;
  check_lmdb(mdb_txn_begin(environment_.native(), nullptr, 0, &raw), "begin a commit");
  TxnPtr txn(raw);
  std::shared_ptr<const Catalog> catalog;
  std::uint64_t version = 0;
  {
    const std::lock_guard lock(readers_mutex_);
    catalog = catalog_;
    version = catalog_version_;
  }
  WriteTransaction transaction(environment_, raw, std::move(catalog));
  for (Waiting* const waiting : batch) {
    if (!waiting->error && !run(*waiting, transaction)) return false;
  }
  const bool catalog_changed = transaction.flush();
  if (transaction.changes() == 0) return true;  // nothing to write: `txn` is given up
  const int result = mdb_txn_commit(txn.release());
  check_lmdb(result, "commit");
  if (catalog_changed) {
    const std::lock_guard lock(readers_mutex_);
    catalog_ = transaction.shared_catalog();
    catalog_version_ = version + 1;
  }
  return true;
}

// False when what it changed before it failed has to be taken back.
bool Store::Impl::run(Waiting& waiting, WriteTransaction& transaction) {
  const std::uint64_t changes_before = transaction.changes();
  try {
    (*waiting.operation)(transaction);
  } catch (const MapFull&) {
    throw;
  } catch (...) {
    waiting.error = std::current_exception();
  }
  if (transaction.failure() == MDB_MAP_FULL) {
    waiting.error = nullptr;
    throw MapFull{};
  }
  if (transaction.failure() != 0 && !waiting.error) {
    // The operation swallowed what the disk said.
    try {
      throw_lmdb(transaction.failure(), "write");
    } catch (...) {
      waiting.error = std::current_exception();
    }
  }
  return !waiting.error || (transaction.changes() == changes_before && transaction.failure() == 0);
}

void Store::Impl::start_sweeping(Store& store) {
  if (options_.sweep_period.count() == 0) return;
  sweeper_ = std::thread([this, &store] {
    std::unique_lock lock(sweep_mutex_);
    while (!sweep_wakes_.wait_for(lock, options_.sweep_period, [&] { return stopping_; })) {
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
  Stats stats;
  MDB_envinfo info{};
  check_lmdb(mdb_env_info(environment_.native(), &info), "read the map's size");
  MDB_stat stat{};
  check_lmdb(mdb_env_stat(environment_.native(), &stat), "read the page size");
  stats.page_bytes = stat.ms_psize;
  stats.map_bytes = info.me_mapsize;
  stats.file_bytes = (info.me_last_pgno + 1) * stat.ms_psize;
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

Store::Store(StoreOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
  impl_->start_sweeping(*this);
}

Store::~Store() = default;

ReadTransaction Store::read() const { return ReadTransaction(*this); }
void Store::run_write(const Operation& operation) { impl_->write(operation); }
std::size_t Store::sweep() { return sweep_store(*this, impl_->clock().now()); }

Store::Stats Store::stats() const {
  Stats stats = impl_->stats();
  const ReadTransaction snapshot = read();
  stats.free_bytes = count_free_pages(snapshot.native()) * stats.page_bytes;
  return stats;
}

}  // namespace gesso::localdb
