#include "gesso/domain/detail/limit_shard.hpp"

namespace gesso::domain::detail {

LimitLedger* LimitShard::find(std::string_view subject, LimitClass limit_class) {
  const auto place = places_.find({.subject = subject, .limit_class = limit_class});
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return &place->second->ledger;
}

LimitLedger& LimitShard::obtain(std::string_view subject, LimitClass limit_class, Time now,
                                std::size_t most, std::vector<LimitLeftover>& leftovers) {
  if (LimitLedger* known = find(subject, limit_class)) return *known;
  // Two that are over leave for each that comes, so that memory follows the load down as well.
  for (int over = 0; !entries_.empty() && (entries_.size() >= most || over < 2); ++over) {
    Entry& oldest = entries_.back();
    if (!oldest.ledger.is_over(now)) {
      if (entries_.size() < most) break;
      drain(oldest, now, leftovers);
    }
    places_.erase({.subject = oldest.subject, .limit_class = oldest.limit_class});
    entries_.pop_back();
  }
  entries_.push_front({.subject = std::string(subject), .limit_class = limit_class});
  places_.emplace(Key{.subject = entries_.front().subject, .limit_class = limit_class},
                  entries_.begin());
  return entries_.front().ledger;
}

void LimitShard::drain(Entry& entry, Time now, std::vector<LimitLeftover>& leftovers) {
  for (const LimitLedger::Held& held : entry.ledger.drain(now)) {
    if (held.amount == 0) continue;
    leftovers.push_back({.subject = entry.subject,
                         .limit_class = entry.limit_class,
                         .window = held.window,
                         .amount = held.amount});
  }
}

void LimitShard::drain(Time now, std::vector<LimitLeftover>& leftovers) {
  for (Entry& entry : entries_) drain(entry, now, leftovers);
}

std::int64_t LimitShard::held(Time now) const {
  std::int64_t sum = 0;
  for (const Entry& entry : entries_) sum += entry.ledger.held(now);
  return sum;
}

}  // namespace gesso::domain::detail
