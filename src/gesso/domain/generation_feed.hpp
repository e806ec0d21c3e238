// Tells a GenerationWatch of the changes of generations, by whichever process, where the database's
// server has change streams (mongo/change_stream.hpp): one stream a process, however many watch.
//
// It is open while anybody watches and a grace longer; without watchers it costs nothing. After
// each opening all that are watched are looked at once, since what happened before it is not told;
// from then on looks are seldom. Where it breaks, polling takes over at once, and it is tried again
// after a second, and then after twice as long each time, to a minute.
//
// Thread-safe. Owned by whoever serves; ends before the watch and before the service is stopped,
// since it keeps one of its workers while it is open.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <thread>

#include "gesso/domain/generation_watch.hpp"
#include "gesso/mongo/service.hpp"

namespace gesso::domain {

struct FeedOptions {
  std::chrono::milliseconds patience{500};  // of one request; a stop takes that long at most
  std::chrono::milliseconds grace{30'000};  // without watchers
  std::chrono::milliseconds retry_min{1'000};
  std::chrono::milliseconds retry_max{60'000};
};

struct FeedFigures {
  bool is_open = false;
  std::uint64_t changes = 0;   // that it told
  std::uint64_t failures = 0;  // of the stream, or of opening it
};

class GenerationFeed {
  mongo::Service& database_;
  GenerationWatch& watch_;
  const FeedOptions options_;
  std::atomic<bool> is_open_{false};
  std::atomic<std::uint64_t> changes_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::jthread thread_;

  void work(const std::stop_token& stop);
  void tell(bson::View changed);
  // Until it fails, nobody watches any more, or the connection string is another.
  void follow(mongo::Session& session, const std::stop_token& stop);

 public:
  // REQUIRES: the service is connected, and `has_change_streams`.
  GenerationFeed(mongo::Service& database, GenerationWatch& watch, FeedOptions options = {});
  ~GenerationFeed() = default;
  GenerationFeed(const GenerationFeed&) = delete;
  GenerationFeed& operator=(const GenerationFeed&) = delete;

  // From now on it ends, which takes it `patience` or, where the server is silent, some seconds;
  // does not wait for that, which the destructor does.
  void end() { thread_.request_stop(); }
  [[nodiscard]] FeedFigures figures() const {
    return {.is_open = is_open_, .changes = changes_, .failures = failures_};
  }
};

}  // namespace gesso::domain
