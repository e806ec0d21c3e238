// The request units that are left: a window of one second for each physical partition.
//
// Each second a partition has its share of the provisioned units anew; what was not used is gone,
// unless burst capacity is on, and what was overdrawn is forgotten. Work is admitted while anything
// is left, so that the last piece of it may overdraw the window.
//
// Owned by the dialect. Thread-safe; does not block.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace gesso::localdb::cosmos {

// Whose units they are, and how many.
struct Provision {
  std::string owner;  // "db.collection", or "db" of a database with shared throughput
  double ru = 0;      // a second, of all partitions together; of autoscale the most
  std::size_t partitions = 1;
};

class Throughput {
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Window {
    std::int64_t second = 0;
    double used = 0;
    double saved = 0;  // by burst capacity
  };

  const bool burst_;
  mutable std::mutex mutex_;  // guards the windows
  std::map<std::string, std::vector<Window>, std::less<>> windows_;

 public:
  explicit Throughput(bool burst) : burst_(burst) {}

  // std::nullopt where work may begin; else after how many milliseconds it may be tried again.
  [[nodiscard]] std::optional<std::int64_t> admit(const Provision& provision, std::size_t partition,
                                                  TimePoint now);
  void charge(const Provision& provision, std::size_t partition, double ru, TimePoint now);

 private:
  // With the mutex held.
  [[nodiscard]] Window& window_of(const Provision& provision, std::size_t partition, TimePoint now);
  [[nodiscard]] double left_in(const Window& window, double share) const;
};

}  // namespace gesso::localdb::cosmos
