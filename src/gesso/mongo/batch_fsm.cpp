#include "gesso/mongo/batch_fsm.hpp"

#include <algorithm>

#include "gesso/mongo/errors.hpp"

namespace gesso::mongo {

BatchFsm::BatchFsm(const std::vector<std::size_t>& items, BatchOrder order)
    : order_(order), waiting_(items.begin(), items.end()) {}

const std::vector<std::size_t>& BatchFsm::next(
    const Limits& limits, const std::function<std::size_t(std::size_t)>& size_of) {
  sent_.clear();
  std::size_t bytes = 0;
  while (!waiting_.empty() && sent_.size() < limits.most_items) {
    const std::size_t size = size_of(waiting_.front());
    if (!sent_.empty() && bytes + size > limits.most_bytes) break;
    bytes += size;
    sent_.push_back(waiting_.front());
    waiting_.pop_front();
  }
  return sent_;
}

BatchFsm::Outcome BatchFsm::answered(bson::View reply) {
  Outcome outcome;
  const bson::Value errors = reply["writeErrors"];
  if (!errors.is_array()) return outcome;
  std::vector<std::size_t> again;
  for (const bson::Element& element : errors.as_document()) {
    const bson::View said = element.value.as_document();
    const auto place = static_cast<std::size_t>(said["index"].integer().value_or(0));
    const std::size_t item = sent_.at(place);
    if (is_throttled(said)) {
      outcome.throttled.push_back({item, said});
      // Behind it an ordered batch was not looked at.
      const auto end = order_ == BatchOrder::kOrdered
                           ? sent_.end()
                           : sent_.begin() + static_cast<std::ptrdiff_t>(place) + 1;
      again.insert(again.end(), sent_.begin() + static_cast<std::ptrdiff_t>(place), end);
    } else {
      outcome.failed.push_back({item, said});
    }
    if (order_ == BatchOrder::kOrdered) {
      if (!outcome.failed.empty()) waiting_.clear();
      break;
    }
  }
  waiting_.insert(waiting_.begin(), again.begin(), again.end());
  return outcome;
}

std::vector<std::size_t> BatchFsm::abandon() {
  std::vector<std::size_t> left(waiting_.begin(), waiting_.end());
  waiting_.clear();
  return left;
}

}  // namespace gesso::mongo
