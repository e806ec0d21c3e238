// Codes that Cosmos DB uses beside MongoDB's, or under names of its own.
#pragma once

#include <string_view>

namespace gesso::localdb::cosmos {

inline constexpr int kRequestTooLarge = 16;
inline constexpr int kTimedOut = 50;
inline constexpr int kShardKeyNotFound = 61;
inline constexpr int kTransactionTooOld = 225;
inline constexpr int kTooManyRequests = 16500;
inline constexpr int kNoTransactions = 50841;

// "" for a code of MongoDB's name.
[[nodiscard]] constexpr std::string_view own_name(int code) {
  switch (code) {
    case kRequestTooLarge:
      return "RequestEntityTooLarge";
    case kTimedOut:
      return "ExceededTimeLimit";
    case kShardKeyNotFound:
      return "ShardKeyNotFound";
    case kTransactionTooOld:
      return "TransactionTooOld";
    case kTooManyRequests:
      return "RequestRateTooLarge";
    default:
      return "";
  }
}

}  // namespace gesso::localdb::cosmos
