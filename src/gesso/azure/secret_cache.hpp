// Secrets kept in memory, so that a vault is asked seldom and may be down for a while.
//
// What is younger than `max_age` (made 0.8 to 1.3 of itself at random, so that processes spread)
// is given from memory. What is older is read again, by one caller at a time; when the vault then
// cannot answer, the old value is served, and counted. A vault that answers "no" (there is no such
// secret, it is disabled, the role is gone) is heard: its Error is thrown.
//
// The connection string itself does not need it: Rotation holds on to the version in use, and has
// to see failures. Thread-safe; blocks. Borrows what it is given.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/azure/secret_provider.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"

namespace gesso::azure {

class SecretCache final : public SecretProvider {
 public:
  struct Options {
    std::chrono::milliseconds max_age{300'000};
    // After a read that failed the old value is served for so long before the next one.
    std::chrono::milliseconds retry_after{10'000};
  };
  struct Status {
    std::size_t secrets = 0;
    std::uint64_t reads = 0;               // of the provider behind it
    std::uint64_t stale_serves = 0;        // values given although a newer read failed
    std::chrono::milliseconds stalest{0};  // age of the oldest of those that are stale now
    std::string last_error = {};           // of the last read; empty when it succeeded
  };

 private:
  struct Entry {
    std::optional<SecretValue> value;
    std::chrono::steady_clock::time_point read_at;  // when `value` was read
    std::chrono::steady_clock::time_point fresh_until;
    bool reading = false;
    bool stale = false;  // the last read failed
  };

  SecretProvider& provider_;
  const Options options_;
  const Clock& clock_;
  Random& random_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  std::map<std::string, Entry> entries_;  // by "NAME/VERSION"; entries stay where they are
  Status counts_;

 public:
  SecretCache(SecretProvider& provider, Options options, const Clock& clock, Random& random);

  [[nodiscard]] SecretValue get(std::string_view name, std::string_view version,
                                const Call& call) override;
  // Not kept.
  [[nodiscard]] std::vector<SecretVersion> versions(std::string_view name,
                                                    const Call& call) override;

  // The secret stopped working: the next `get` reads it again.
  void expire(std::string_view name);

  [[nodiscard]] Status status() const;
};

}  // namespace gesso::azure
