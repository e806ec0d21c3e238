// Throughput as the extension commands take it, checked.
#pragma once

#include <cstdint>
#include <optional>

#include "gesso/localdb/cosmos/container.hpp"
#include "gesso/localdb/engine/arguments.hpp"

namespace gesso::localdb::cosmos {

// What throughput may be for.
struct OfferRules {
  bool is_sharded = false;       // or a database
  std::uint64_t data_bytes = 0;  // that are stored
  std::int64_t highest = 0;      // the most that it ever had
  std::size_t sharing = 0;       // of a database: the collections that share it
};

// `offerThroughput` or `autoScaleSettings` of a command; std::nullopt where it has neither. Throws
// CommandError (2) for both, for what is no number or no step, below the minimum or, without a
// shard key, above 10,000.
[[nodiscard]] std::optional<Offer> offer_of(const Arguments& arguments, const OfferRules& rules);

// The least that it may be lowered to.
[[nodiscard]] std::int64_t least_throughput(bool autoscale, const OfferRules& rules);

// provisionedThroughput (of autoscale the least, a tenth) and autoScaleSettings, as GetCollection
// and GetDatabase show them.
void append_offer(bson::Builder& reply, const Offer& offer);

}  // namespace gesso::localdb::cosmos
