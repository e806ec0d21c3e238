// A part of a limiter's memory: the ledgers of the subjects whose names hash to it, the one that
// was used last first.
//
// Thread-safe through `mutex()`, which whoever calls anything else holds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gesso/domain/detail/limit_ledger.hpp"

namespace gesso::domain::detail {

// Calls that were taken in advance and are to go back.
struct LimitLeftover {
  std::string subject;
  LimitClass limit_class;
  repositories::LimitWindow window;
  std::int64_t amount = 0;
};

class LimitShard {
  struct Entry {
    std::string subject;
    LimitClass limit_class;
    LimitLedger ledger = {};
  };
  struct Key {
    std::string_view subject;  // of the entry
    LimitClass limit_class;

    friend bool operator==(const Key&, const Key&) = default;
  };
  struct HashKey {
    std::size_t operator()(const Key& key) const noexcept {
      return hash(key.subject, key.limit_class);
    }
  };

  std::mutex mutex_;  // guards all below
  std::list<Entry> entries_;
  std::unordered_map<Key, std::list<Entry>::iterator, HashKey> places_;

 public:
  // How often what happened.
  struct Counters {
    std::uint64_t allowed = 0;
    std::uint64_t refused = 0;
    std::uint64_t allowed_alone = 0;
  };
  std::array<Counters, schema::kWireTexts<LimitClass>.size()> counters_by_class = {};

  [[nodiscard]] Counters& counters(LimitClass limit_class) {
    return counters_by_class[static_cast<std::size_t>(limit_class)];
  }

  [[nodiscard]] std::mutex& mutex() { return mutex_; }
  [[nodiscard]] static std::size_t hash(std::string_view subject, LimitClass limit_class) noexcept {
    return std::hash<std::string_view>{}(subject) + static_cast<std::size_t>(limit_class) * 31;
  }

  // nullptr where nothing is known.
  [[nodiscard]] LimitLedger* find(std::string_view subject, LimitClass limit_class);
  // A new one where there is none; others make room for it where there are `most`, and what those
  // held is added to `leftovers`.
  [[nodiscard]] LimitLedger& obtain(std::string_view subject, LimitClass limit_class, Time now,
                                    std::size_t most, std::vector<LimitLeftover>& leftovers);
  // Takes from all ledgers what they hold.
  void drain(Time now, std::vector<LimitLeftover>& leftovers);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::int64_t held(Time now) const;

 private:
  static void drain(Entry& entry, Time now, std::vector<LimitLeftover>& leftovers);
};

}  // namespace gesso::domain::detail
