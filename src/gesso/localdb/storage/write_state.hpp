// What a WriteTransaction keeps in memory until its commit. Private to storage/.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "gesso/localdb/storage/counters.hpp"
#include "gesso/localdb/storage/write_transaction.hpp"

namespace gesso::localdb {

struct WriteTransaction::Live {
  std::unordered_map<std::uint32_t, Counters> counters;  // its references survive insertions
};

}  // namespace gesso::localdb
