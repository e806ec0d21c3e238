// What of a batch of writes goes out next, and what became of each item: a state machine without
// I/O or clock, that sends again what was refused for want of capacity, and nothing else.
//
// A value of one owner; not thread-safe; never blocks. Session::insert_many drives it: it sends the
// items of `next()` as one command and reports the reply.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gesso/bson/view.hpp"

namespace gesso::mongo {

// Whether the items of a batch are done one after the other, up to the first that fails, or in any
// order, where one failure does not stop the others.
enum class BatchOrder { kUnordered, kOrdered };

class BatchFsm {
 public:
  // How large an item is, and how much one command may hold.
  struct Limits {
    std::size_t most_items = 1000;
    std::size_t most_bytes = 0;
  };
  struct Refused {
    std::size_t item;
    bson::View said;  // the entry of `writeErrors`; borrows the reply
  };
  struct Outcome {
    std::vector<Refused> failed = {};     // for good
    std::vector<Refused> throttled = {};  // of these the server did nothing
  };

 private:
  BatchOrder order_;
  std::deque<std::size_t> waiting_;  // in the order in which they are to go out
  std::vector<std::size_t> sent_;    // of the last command, by their place in it

 public:
  // `items` are numbers of the caller's, in the order of the batch.
  BatchFsm(const std::vector<std::size_t>& items, BatchOrder order);

  [[nodiscard]] bool done() const { return waiting_.empty(); }
  // The items of the next command. `size_of` gives the
  // bytes of an item. REQUIRES: not `done()`.
  const std::vector<std::size_t>& next(const Limits& limits,
                                       const std::function<std::size_t(std::size_t)>& size_of);
  // Takes the reply to it. Those that were throttled wait again, in front and in their order; in an
  // ordered batch also those that stood behind the first of them, which the server did not look
  // at. What an ordered batch had behind a failure does not go out.
  Outcome answered(bson::View reply);
  // Gives up all that waits, and tells what that is.
  [[nodiscard]] std::vector<std::size_t> abandon();
};

}  // namespace gesso::mongo
