// What a piece of work costs, in request units: a model that fits the figures that were published
// and measured (docs/COSMOS_EMULATOR.md has the table).
//
// Pure. Sizes are of BSON in KB of 1,000 bytes. A result is of one item, rounded to two decimals;
// sums are not rounded.
#pragma once

#include <cstddef>

namespace gesso::localdb::cosmos {

[[nodiscard]] constexpr double kilobytes(std::size_t bytes) {
  return static_cast<double>(bytes) / 1000;
}

// Of a document by `_id` and shard key; one that is not there has no size.
[[nodiscard]] double read_charge(double kb);

// Of one with so many indexed terms. A delete costs the same.
[[nodiscard]] double insert_charge(double kb, std::size_t terms);

// `changed` of its terms are others than before.
[[nodiscard]] double update_charge(double kb, std::size_t terms, std::size_t changed);

struct QueryWork {
  std::size_t partitions = 1;  // that it visited
  bool finds_nothing = false;  // as an index says alone
  double returned_kb = 0;
  double scanned_kb = 0;   // loaded because no index answers
  std::size_t sorted = 0;  // documents that were returned in an order
};
[[nodiscard]] double query_charge(const QueryWork& work);

// A further page of a query, beside what it returns and scans.
inline constexpr double kPageCharge = 2.5;
// A request that was refused because the budget was spent.
inline constexpr double kRefusedCharge = 0.38;

}  // namespace gesso::localdb::cosmos
