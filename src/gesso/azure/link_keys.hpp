// The key that links to blobs are made with, kept good by a thread that asks for the next one when
// half of its time is over: who makes a link asks nobody and never waits.
//
// Thread-safe. Owned by the store. The thread begins with `begin`, and ends with this; the fetch is
// called on it alone.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "gesso/base/clock.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/client/call.hpp"

namespace gesso::azure {

// A key that Azure gave for links, which are good no longer than it is
// (learn.microsoft.com/rest/api/storageservices/get-user-delegation-key).
struct DelegationKey {
  std::string object_id, tenant_id, start, expiry, service, version;  // as they came
  Secret value;                                                       // base64
  Time begins{}, ends{};                                              // what start and expiry say
};

struct LinkKeysOptions {
  std::chrono::milliseconds fetch_limit{60'000};  // of one attempt
  std::chrono::milliseconds retry_wait{15'000};   // after one that failed
  // How often the clock is looked at: it may be set, and this machine may have slept.
  std::chrono::milliseconds look_every{30'000};
};

class LinkKeys {
 public:
  // Blocks. Throws Error.
  using Fetch = std::function<DelegationKey(const client::Call&)>;

  // Borrows the clock.
  LinkKeys(Fetch fetch, const Clock& clock, LinkKeysOptions options = {});

  // Begins to keep a key, and waits for the first one. Throws what the attempt threw, or Error as
  // client::check where the call ends before: trying goes on either way. Repeated, it waits only.
  void begin(const client::Call& call);
  // nullptr while there is none. May have ended, where no other could be had.
  [[nodiscard]] std::shared_ptr<const DelegationKey> current() const;

 private:
  void work(const std::stop_token& stop);
  void attempt(const std::stop_token& stop);
  [[nodiscard]] bool is_due() const;  // REQUIRES: the mutex is held

  Fetch fetch_;
  const Clock& clock_;
  LinkKeysOptions options_;
  mutable std::mutex mutex_;  // guards what follows, to `thread_`
  std::shared_ptr<const DelegationKey> key_;
  Time next_{};  // when to ask again
  std::optional<Error> failure_;
  std::uint64_t attempts_ = 0;  // that have ended
  std::condition_variable_any changed_;
  std::jthread thread_;  // last: ends before what it uses
};

}  // namespace gesso::azure
