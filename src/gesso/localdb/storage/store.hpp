// One data folder: an LMDB environment, its catalog, and the queue of its writes.
//
//   Store store({.data_dir = "data"});
//   {
//     ReadTransaction snapshot = store.read();
//     CollectionPtr users = snapshot.find_collection("shop", "users");
//   }
//   RecordId id = store.write([&](WriteTransaction& write) {
//     return write.insert(*write.ensure_collection("shop", "users"), document);
//   });
//
// Owned by the server; outlives every transaction. Thread-safe. `read` does not block; `write`
// blocks until its commit is on the disk. A thread of its own sweeps: it deletes expired documents
// and the rows of dropped collections.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>

#include "gesso/base/clock.hpp"
#include "gesso/localdb/commits.hpp"
#include "gesso/localdb/storage/transaction.hpp"
#include "gesso/localdb/storage/write_transaction.hpp"

namespace gesso::localdb {

struct StoreOptions {
  std::filesystem::path data_dir;    // made if needed
  IndexReader read_index = nullptr;  // of the kinds of index that the store is to hold; required
  // Address space, not disk: the most that the data file can ever hold. Where so much cannot be
  // mapped, the store takes what it can get.
  std::uint64_t map_bytes = std::uint64_t{4} << 40;
  // How often the sweep runs; 0 for never, then call `sweep` yourself.
  std::chrono::milliseconds sweep_period{60'000};
  const Clock* clock = nullptr;  // for the expiry of documents; nullptr for the system's
};

class Store;

// A snapshot of the last commit. Cheap (well under a microsecond); hold it for one command, never
// between commands: the pages that it sees are not used again while it lives.
class ReadTransaction final : public Transaction {
  friend class Store;
  const Store* store_ = nullptr;

  explicit ReadTransaction(const Store& store);

 public:
  ReadTransaction(ReadTransaction&& other) noexcept;
  ReadTransaction& operator=(ReadTransaction&&) = delete;
  ~ReadTransaction();
};

// What becomes of an operation's changes when it throws.
enum class OnError {
  kUndo,  // none of them stays
  kKeep,  // those that were made before stay, each document whole: a batch that is interrupted
};

class Store {
 public:
  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
  friend class ReadTransaction;

 public:
  using Operation = std::function<void(WriteTransaction&)>;

  // Throws Error: kConflict when somebody else has the folder open, kValidation when a newer
  // version wrote it or it is not a data folder, kInternal for what the disk says.
  explicit Store(StoreOptions options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  [[nodiscard]] ReadTransaction read() const;
  [[nodiscard]] const std::filesystem::path& folder() const;

  // Runs `operation` in turn with those of other threads, once, and returns what it returned when
  // the commit that holds it is on the disk. Operations that wait while a commit runs share the
  // next one, up to a limit of bytes and time. What the operation throws is thrown here; its
  // changes go as `on_error` says, and no other operation's. It may run on another thread. Throws
  // Error (kInternal) when the commit fails (a full disk): then nothing of it is stored. While it
  // waits for its turn the caller's meter is asked every so often; what that throws is thrown here,
  // and the operation does not run. The meter's check must not block. Must not be called within an
  // operation.
  template <class F>
  std::invoke_result_t<F&, WriteTransaction&> write(F&& operation,
                                                    OnError on_error = OnError::kUndo) {
    using Result = std::invoke_result_t<F&, WriteTransaction&>;
    if constexpr (std::is_void_v<Result>) {
      run_write([&](WriteTransaction& transaction) { operation(transaction); }, on_error);
    } else {
      std::optional<Result> result;
      run_write([&](WriteTransaction& transaction) { result.emplace(operation(transaction)); },
                on_error);
      return std::move(*result);
    }
  }

  // Tells from now on of what is committed in a collection, whether it is there yet or not.
  [[nodiscard]] Listening listen(std::string_view database, std::string_view collection,
                                 OnCommitted on_committed);

  // Deletes documents whose time (a TTL index) has passed, in batches with a re-check, and what
  // dropped collections left. The number of documents deleted. The store's own thread calls it
  // every `sweep_period`; safe to call beside it. Ends early when the store is being destroyed.
  std::size_t sweep();

  struct Stats {
    std::uint64_t file_bytes = 0;  // of the data file that are in use
    std::uint64_t free_bytes = 0;  // of these, pages free for new data
    std::uint64_t map_bytes = 0;
    std::uint32_t page_bytes = 0;
    std::uint64_t commits = 0;  // since opening
    std::uint64_t writes = 0;   // operations in them: writes / commits is the group's size
  };
  // `snapshot` is one of this store's.
  [[nodiscard]] Stats stats(const Transaction& snapshot) const;

 private:
  void run_write(const Operation& operation, OnError on_error);
};

}  // namespace gesso::localdb
