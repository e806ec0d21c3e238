#include "gesso/domain/generation_feed.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>

#include "gesso/mongo/change_stream.hpp"

namespace gesso::domain {

using models::GenerationId;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kOpening{10};  // waiting for a worker included

void rest(const std::stop_token& stop, std::chrono::milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, stop, time, [] { return false; });
}

// Says so at its end, however it comes.
class WhileOpen {
  GenerationWatch& watch_;
  std::atomic<bool>& is_open_;

 public:
  WhileOpen(GenerationWatch& watch, std::atomic<bool>& is_open) : watch_(watch), is_open_(is_open) {
    watch_.feed_opened();
    is_open_ = true;
  }
  ~WhileOpen() {
    watch_.feed_closed();
    is_open_ = false;
  }
  WhileOpen(const WhileOpen&) = delete;
  WhileOpen& operator=(const WhileOpen&) = delete;
};

}  // namespace

GenerationFeed::GenerationFeed(mongo::Service& database, GenerationWatch& watch,
                               FeedOptions options)
    : database_(database),
      watch_(watch),
      options_(options),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

void GenerationFeed::work(const std::stop_token& stop) {
  std::chrono::milliseconds retry = options_.retry_min;
  while (watch_.wait_for_watchers(stop)) {
    const auto began = steady_clock::now();
    try {
      database_.run(Deadline::after(kOpening),
                    [&](mongo::Session& session) { follow(session, stop); });
      continue;
    } catch (const std::exception& error) {
      ++failures_;
      spdlog::warn("change stream: {}", error.what());
    }
    // One that lasted was good: the next failure is a new one.
    if (steady_clock::now() - began > options_.retry_max) retry = options_.retry_min;
    rest(stop, retry);
    retry = std::min(options_.retry_max, retry * 2);
  }
}

void GenerationFeed::tell(bson::View changed) {
  ++changes_;
  const bson::Value id = changed["_id"];
  if (!id.is_string()) return;
  if (const auto found = GenerationId::parse(id.as_string())) watch_.changed(*found);
}

void GenerationFeed::follow(mongo::Session& session, const std::stop_token& stop) {
  const std::uint64_t pool = database_.pool_number();
  mongo::ChangeStream stream(session, models::Generation::kCollection, options_.patience);
  const WhileOpen open(watch_, is_open_);
  auto last_watched = steady_clock::now();
  auto next_count = last_watched;
  while (!stop.stop_requested() && database_.pool_number() == pool) {
    const auto changed = stream.next();
    if (changed) tell(*changed);
    const auto now = steady_clock::now();
    if (now < next_count) continue;
    next_count = now + options_.patience;
    if (watch_.watchers() > 0) last_watched = now;
    if (now - last_watched > options_.grace) return;
  }
}

}  // namespace gesso::domain
