// Captures the holds of charges after their requests were answered.
//
// A charge is done when its hold is placed and its generation inserted; that the hold is captured
// changes no credit, and the sweep would do it. The settler does it soon, and for many charges of
// one user by one update: it keeps the captured holds of each document together for `linger`, or
// until there are `batch` of them. Holds must not pile up in a document, so the charge that would
// make them more than `most_per_document` captures them first, on its own time.
//
// What is in memory when a process dies is found by the sweep. A batch that the database refused
// for the moment is tried again.
//
// Thread-safe. Owned by whoever serves; end it after the last charge and before the service: the
// destructor captures what is left. It borrows the service and the context.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "gesso/domain/holds.hpp"
#include "gesso/mongo/service.hpp"

namespace gesso::domain {

struct SettlerOptions {
  std::chrono::milliseconds linger{250};
  std::size_t batch = 16;              // holds of one document that are captured without lingering
  std::size_t most_per_document = 50;  // of this process
  std::size_t most = 10'000;           // of all documents; more are captured by their charges
  std::size_t parallel = 8;            // units of work at once
};

// The captured holds of one document.
struct SettleBatch {
  Payer payer;
  std::vector<CapturedHold> holds;
};

// What waits to be captured, and what of it is due. No threads, no clock.
class SettleQueue {
  struct Waiting {
    std::vector<CapturedHold> holds;
    std::chrono::steady_clock::time_point since;
  };
  SettlerOptions options_;
  std::map<Payer, Waiting> waiting_;
  std::size_t count_ = 0;

 public:
  explicit SettleQueue(SettlerOptions options) : options_(options) {}

  // False where there is no room; nothing was added then.
  [[nodiscard]] bool add(const Payer& payer, const CapturedHold& hold,
                         std::chrono::steady_clock::time_point now);
  // Whether a document has a batch, which need not linger.
  [[nodiscard]] bool has_batch(const Payer& payer) const;
  // The holds of a document that is full; none where it is not.
  [[nodiscard]] std::vector<CapturedHold> take_if_full(const Payer& payer);
  [[nodiscard]] std::vector<SettleBatch> take_due(std::chrono::steady_clock::time_point now);
  [[nodiscard]] std::vector<SettleBatch> take_all();
  [[nodiscard]] std::size_t size() const { return count_; }
};

class Settler {
  mongo::Service& database_;
  const repositories::RepositoryContext& context_;
  const SettlerOptions options_;
  mutable std::mutex mutex_;  // guards the three below
  SettleQueue queue_;
  bool hurry_ = false;  // a batch is complete
  bool ending_ = false;
  std::condition_variable changed_;
  std::thread thread_;

  void work();
  void settle(std::vector<SettleBatch> batches);
  void run(mongo::Session& session, std::vector<SettleBatch>& batches);
  // Puts a batch back where it may be tried again soon.
  void give_up(SettleBatch& batch, const std::exception_ptr& reason);

 public:
  Settler(mongo::Service& database, const repositories::RepositoryContext& context,
          SettlerOptions options = {});
  ~Settler();
  Settler(const Settler&) = delete;
  Settler& operator=(const Settler&) = delete;

  // Takes over the capture of a hold; false where the caller must capture it. Does not block.
  [[nodiscard]] bool add(const Payer& payer, const CapturedHold& hold);
  // Captures what waits for this document, if it is full, with the caller's session. Blocks then.
  void make_room(Holds& holds, const Payer& payer);
  // Captures what waits. Blocks until it was tried once. Not for a unit of work.
  void flush();
  // How many wait.
  [[nodiscard]] std::size_t size() const;
};

}  // namespace gesso::domain
