// What a worker does, for whoever counts it. Values, and a face that api/metrics.hpp implements.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>

#include "gesso/domain/model_table.hpp"

namespace gesso::domain {

// How a worker's work on one claim ended.
enum class WorkEnd {
  kCompleted,
  kFailed,      // another attempt may follow
  kHandedBack,  // for others to go on
  kLost,        // its lease expired, and the claim is another's
  kGone,        // the generation was deleted
  kLeft,        // the database did not take the end; the lease expires
};
constexpr auto wire_texts(WorkEnd) {
  return std::to_array<std::string_view>(
      {"completed", "failed", "handed_back", "lost", "gone", "left"});
}

// Implementations are thread-safe, and neither block nor throw. Texts live as long as the program.
class WorkObserver {
 public:
  WorkObserver() = default;
  WorkObserver(const WorkObserver&) = delete;
  WorkObserver& operator=(const WorkObserver&) = delete;
  virtual ~WorkObserver() = default;

  // The attempt's number, from 1 on.
  virtual void claimed(ProviderKind provider, std::int64_t attempt) = 0;
  // A step of the worker's machine was done, and came to that: "asking", "busy".
  virtual void stepped(ProviderKind provider, std::string_view step, std::string_view outcome) = 0;
  // The provider has given its images: since it was asked in this attempt.
  virtual void painted(ProviderKind provider, std::chrono::milliseconds since_asked) = 0;
  // So many images, thumbnails among them, are new in the store.
  virtual void stored(std::size_t images, std::uint64_t bytes) = 0;
  // `age` is the generation's, since its user asked for it.
  virtual void ended(ProviderKind provider, WorkEnd end, std::chrono::milliseconds age) = 0;
};

// How things stand, by a provider's name.
struct WorkFigures {
  struct OfProvider {
    std::size_t at_work = 0;      // generations
    std::size_t backing_off = 0;  // of them, those that wait since it answered that it is busy
  };
  std::map<std::string_view, OfProvider> by_provider = {};
};

}  // namespace gesso::domain
