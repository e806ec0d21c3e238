#include "gesso/localdb/storage/index_build.hpp"

#include <chrono>
#include <deque>

#include "gesso/base/meter.hpp"
#include "gesso/localdb/storage/sorted_runs.hpp"
#include "gesso/localdb/storage/storage_error.hpp"

namespace gesso::localdb {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Of a snapshot: pages that are freed meanwhile wait for its end.
constexpr auto kScanTime = std::chrono::milliseconds{20};
// Of an operation of the writer.
constexpr auto kWriteTime = std::chrono::milliseconds{3};
constexpr std::size_t kWriteBytes = std::size_t{1} << 20;

struct Target {
  std::uint32_t id = 0;
  SortedRuns entries;
  std::vector<bool> multikey = {};
  bool truncated = false;

  Target(std::uint32_t index, const std::filesystem::path& folder, std::size_t memory_bytes)
      : id(index), entries(folder, memory_bytes) {}
};

// The collection, and one of its indexes that are being built.
struct Place {
  CollectionPtr collection;
  const Index* index;
};

Place find(const Transaction& transaction, std::uint32_t collection_id, std::uint32_t index_id) {
  Place place{.collection = transaction.catalog().find(collection_id), .index = nullptr};
  if (place.collection) place.index = place.collection->building_by_id(index_id);
  if (place.index == nullptr) {
    throw StorageError(StorageFault::kBuildAborted,
                       "Index build aborted: the collection or the index was dropped");
  }
  return place;
}

class Build {
  Store& store_;
  std::uint32_t collection_id_;
  const IndexBuildOptions& options_;
  std::deque<Target> targets_;

 public:
  Build(Store& store, std::uint32_t collection_id, const std::vector<std::uint32_t>& indexes,
        const IndexBuildOptions& options)
      : store_(store), collection_id_(collection_id), options_(options) {
    for (const std::uint32_t id : indexes) {
      targets_.emplace_back(id, store.folder(), options.memory_bytes / indexes.size());
    }
  }

  void run() {
    scan();
    for (Target& target : targets_) {
      target.entries.sort();
      insert(target);
    }
    store_.write([&](WriteTransaction& write) {
      for (const Target& target : targets_) {
        const Place place = find(write, collection_id_, target.id);
        write.finish_index(*place.collection, target.id, target.multikey, target.truncated);
      }
    });
  }

  // Also for those who may not do any more: what is half built must not stay.
  void abandon() {
    const Meter::Scope on_nobodys_account(nullptr);
    store_.write([&](WriteTransaction& write) {
      for (const Target& target : targets_) {
        const CollectionPtr collection = write.catalog().find(collection_id_);
        if (collection && collection->building_by_id(target.id) != nullptr) {
          write.abandon_index(*collection, target.id);
        }
      }
    });
  }

 private:
  void check_interrupt() const {
    if (options_.check_interrupt) options_.check_interrupt();
  }

  // Every record that was there when the builds began; later ones have their entries from the
  // writes that made them.
  void scan() {
    RecordId last = 0;
    for (bool more = true; more;) {
      check_interrupt();
      const ReadTransaction snapshot = store_.read();
      const auto until = SteadyClock::now() + kScanTime;
      const Place first = find(snapshot, collection_id_, targets_.front().id);
      RecordCursor records(snapshot, *first.collection);
      more = records.seek(last + 1);
      for (; more && records.id() < first.index->build_limit; more = records.next()) {
        last = records.id();
        for (Target& target : targets_) {
          add(*find(snapshot, collection_id_, target.id).index, last, records.document(), target);
        }
        if (SteadyClock::now() >= until) break;
      }
      more = more && records.id() < first.index->build_limit;
    }
  }

  static void add(const Index& index, RecordId record, bson::View document, Target& target) {
    static thread_local KeySet keys;
    index.keys->keys_of(document, keys);
    target.truncated |= keys.truncated;
    target.multikey.resize(keys.multikey.size());
    for (std::size_t i = 0; i < keys.multikey.size(); ++i) {
      if (keys.multikey[i]) target.multikey[i] = true;
    }
    for (const std::string& key : keys.keys) target.entries.add(key, record);
  }

  void insert(Target& target) {
    for (bool more = target.entries.next(); more;) {
      check_interrupt();
      more = store_.write(
          [&](WriteTransaction& write) {
            const Place place = find(write, collection_id_, target.id);
            const auto until = SteadyClock::now() + kWriteTime;
            const std::size_t enough = write.written_bytes() + kWriteBytes;
            do {
              write.put_built(*place.collection, *place.index, target.entries.key(),
                              target.entries.record());
              if (!target.entries.next()) return false;
            } while (write.written_bytes() < enough && SteadyClock::now() < until);
            return true;
          },
          OnError::kKeep);
    }
  }
};

}  // namespace

void build_indexes(Store& store, std::uint32_t collection_id,
                   const std::vector<std::uint32_t>& indexes, const IndexBuildOptions& options) {
  Build build(store, collection_id, indexes, options);
  try {
    build.run();
  } catch (...) {
    build.abandon();
    throw;
  }
}

}  // namespace gesso::localdb
