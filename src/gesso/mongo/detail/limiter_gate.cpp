#include "gesso/mongo/detail/limiter_gate.hpp"

#include <algorithm>

#include "gesso/mongo/errors.hpp"

namespace gesso::mongo::detail {
namespace {

// What a command costs before the server has said so: the measured figures of a document of half a
// kilobyte (cjoakim/azure-cosmos-db, apis/mongo/java).
double nominal_charge(std::string_view operation, std::size_t documents) {
  const auto each = static_cast<double>(documents);
  if (operation == "insert" || operation == "delete") return 10.1 * each;
  if (operation == "update" || operation == "findAndModify") return 11.7 * each;
  return 5;
}

// A refusal costs little (spring-projects/spring-data-mongodb#3196).
constexpr double kRefusalCharge = 0.4;
constexpr double kWeight = 0.2;  // of the last charge in the running average

std::string key_of(const CommandCharge& charge) {
  return std::string(charge.operation).append(" ").append(charge.collection);
}

}  // namespace

void LimiterGate::note_shaping() {
  const bool any =
      std::ranges::any_of(limiters_, [](const auto& one) { return one.second.is_shaping(); });
  shaping_.store(any, std::memory_order_relaxed);
}

LimiterGate::Duration LimiterGate::admit_unit(Priority priority) {
  if (priority == Priority::kForeground || !is_shaping()) return Duration{0};
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  Duration wait{0};
  for (auto& [collection, limiter] : limiters_) {
    const auto one = limiter.admit(priority, now);
    limiter.release(one.reserved);
    wait = std::max(wait, one.wait);
  }
  return wait;
}

ThroughputLimiter::Admission LimiterGate::admit(std::string_view collection, Priority priority) {
  if (!is_shaping() || collection.empty()) return {};
  const std::lock_guard lock(mutex_);
  const auto limiter = limiters_.find(collection);
  if (limiter == limiters_.end()) return {};
  const auto admission = limiter->second.admit(priority, std::chrono::steady_clock::now());
  note_shaping();
  return admission;
}

void LimiterGate::charged(const CommandCharge& charge, bool measured, std::size_t documents,
                          const std::optional<Refusal>& refused, Priority priority,
                          double reserved) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  const auto each = static_cast<double>(documents);
  double request_units = charge.request_units;
  if (measured && !refused) {
    const auto [at, added] = usual_.try_emplace(key_of(charge), request_units / each);
    if (!added) at->second += kWeight * (request_units / each - at->second);
  } else if (!measured) {
    // Of a batch that was refused in its middle, the documents before that were paid for.
    const auto known = usual_.find(key_of(charge));
    request_units = documents == 0          ? 0
                    : known == usual_.end() ? nominal_charge(charge.operation, documents)
                                            : known->second * each;
    if (refused) request_units += kRefusalCharge;
  }
  if (charge.collection.empty()) return;
  auto limiter = limiters_.find(charge.collection);
  if (limiter == limiters_.end()) {
    limiter = limiters_.emplace(std::string(charge.collection), ThroughputLimiter()).first;
  }
  limiter->second.charged(request_units, now);
  limiter->second.finished(priority, reserved, request_units, now);
  if (!refused) return;
  limiter->second.refused(refused->retry_after, now);
  note_shaping();
}

void LimiterGate::release(std::string_view collection, double reserved) {
  if (reserved == 0) return;
  const std::lock_guard lock(mutex_);
  const auto limiter = limiters_.find(collection);
  if (limiter != limiters_.end()) limiter->second.release(reserved);
}

double LimiterGate::budget() const {
  const std::lock_guard lock(mutex_);
  double sum = 0;
  for (const auto& [collection, limiter] : limiters_) sum += limiter.budget();
  return sum;
}

std::optional<Refusal> refusal_of(bson::View reply) {
  if (is_throttled(reply)) return Refusal{retry_after(message_of(reply))};
  const bson::Value errors = reply["writeErrors"];
  if (!errors.is_array()) return std::nullopt;
  for (const bson::Element& one : errors.as_document()) {
    if (!one.value.is_document() || !is_throttled(one.value.as_document())) continue;
    return Refusal{retry_after(message_of(one.value.as_document()))};
  }
  return std::nullopt;
}

}  // namespace gesso::mongo::detail
