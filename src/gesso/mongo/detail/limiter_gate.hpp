// The limiters that all leases of a service share, one a collection, since on Azure Cosmos DB (RU)
// each may have a throughput of its own; and what commands cost usually. Where collections share
// one, each limiter finds its part. Internal to mongo/.
//
// Thread-safe. Never blocks for longer than a few additions take; while nothing is shaped, asking
// costs the load of one atomic.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/mongo/request_charge.hpp"
#include "gesso/mongo/throughput_limiter.hpp"

namespace gesso::mongo::detail {

// A refusal for want of capacity.
struct Refusal {
  std::optional<std::chrono::milliseconds> retry_after;
};

class LimiterGate {
 public:
  using Duration = ThroughputLimiter::Duration;

 private:
  std::atomic<bool> shaping_{false};  // any of them
  mutable std::mutex mutex_;          // guards the two below
  std::map<std::string, ThroughputLimiter, std::less<>> limiters_;
  // Of one document, by operation and collection, as the server said lately.
  std::map<std::string, double, std::less<>> usual_;

 public:
  [[nodiscard]] bool is_shaping() const { return shaping_.load(std::memory_order_relaxed); }
  // How long a unit of work waits before a worker takes it: one of the background until every
  // collection has capacity that the foreground leaves; nobody knows yet what it will ask for.
  [[nodiscard]] Duration admit_unit(Priority priority);
  // As ThroughputLimiter's, for a command on the collection.
  [[nodiscard]] ThroughputLimiter::Admission admit(std::string_view collection, Priority priority);
  // Takes the charge of a command for so many documents, `measured` or to be estimated by what such
  // commands cost usually; whether it was refused for want of capacity; and what was reserved for
  // it.
  void charged(const CommandCharge& charge, bool measured, std::size_t documents,
               const std::optional<Refusal>& refused, Priority priority, double reserved);
  // Gives back what was reserved for a command that did not go out.
  void release(std::string_view collection, double reserved);
  // Request units a second, of all collections that are shaped.
  [[nodiscard]] double budget() const;

 private:
  // REQUIRES: the mutex.
  void note_shaping();
};

// What a reply, or a statement of a write in it, says of capacity that the server had not.
[[nodiscard]] std::optional<Refusal> refusal_of(bson::View reply);

}  // namespace gesso::mongo::detail
