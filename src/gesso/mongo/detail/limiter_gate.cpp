#include "gesso/mongo/detail/limiter_gate.hpp"

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

ThroughputLimiter::Admission LimiterGate::admit(Priority priority) {
  if (!is_shaping()) return {};
  const std::lock_guard lock(mutex_);
  const auto admission = limiter_.admit(priority, std::chrono::steady_clock::now());
  shaping_.store(limiter_.is_shaping(), std::memory_order_relaxed);
  return admission;
}

LimiterGate::Duration LimiterGate::pause(Priority priority) {
  if (!is_shaping()) return Duration{0};
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  const auto admission = limiter_.admit(priority, now);
  // The unit has paid for its commands when it was admitted.
  if (admission.wait == Duration{0}) limiter_.release(admission.reserved);
  return admission.wait;
}

double LimiterGate::charged(const CommandCharge& charge, bool measured, std::size_t documents,
                            const std::optional<Refusal>& refused) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  const auto each = static_cast<double>(documents);
  double request_units = charge.request_units;
  if (measured && !refused) {
    const auto [at, added] = usual_.try_emplace(key_of(charge), request_units / each);
    if (!added) at->second += kWeight * (request_units / each - at->second);
  } else if (!measured) {
    const auto known = usual_.find(key_of(charge));
    request_units = refused                 ? kRefusalCharge
                    : known == usual_.end() ? nominal_charge(charge.operation, documents)
                                            : known->second * each;
  }
  limiter_.charged(request_units, now);
  if (refused) limiter_.refused(refused->retry_after, now);
  shaping_.store(limiter_.is_shaping(), std::memory_order_relaxed);
  return request_units;
}

void LimiterGate::finished(Priority priority, double reserved, double request_units) {
  if (reserved == 0 && request_units == 0) return;
  const std::lock_guard lock(mutex_);
  limiter_.finished(priority, reserved, request_units, std::chrono::steady_clock::now());
}

double LimiterGate::budget() const {
  const std::lock_guard lock(mutex_);
  return limiter_.budget();
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
