#include "gesso/localdb/cosmos/charges.hpp"

#include <algorithm>
#include <cmath>

namespace gesso::localdb::cosmos {
namespace {

constexpr double kTerm = 0.665;

double rounded(double charge) { return std::round(charge * 100) / 100; }

double read_exactly(double kb) { return std::max(1.0, 1 + (kb - 1) / 11); }

double insert_exactly(double kb, std::size_t terms) {
  return 7.44 + kTerm * static_cast<double>(terms) + 0.4545 * std::max(0.0, kb - 1);
}

}  // namespace

double read_charge(double kb) { return rounded(read_exactly(kb)); }

double insert_charge(double kb, std::size_t terms) { return rounded(insert_exactly(kb, terms)); }

double update_charge(double kb, std::size_t terms, std::size_t changed) {
  return rounded(read_exactly(kb) + insert_exactly(kb, terms) + 0.57 +
                 kTerm * static_cast<double>(changed));
}

double query_charge(const QueryWork& work) {
  const double visit = work.finds_nothing ? 2.5 : 4.65;
  return rounded(visit * static_cast<double>(work.partitions) + 0.57 * work.returned_kb +
                 0.0337 * work.scanned_kb + 0.03 * static_cast<double>(work.sorted));
}

}  // namespace gesso::localdb::cosmos
