// localdb as Azure Cosmos DB for MongoDB (RU): what an account of it can differ by.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace gesso::localdb {

// How a refusal for the rate limit is worded: on one line, with its JSON laid out in lines as in
// 2021, or without RetryAfterMs.
enum class ThrottleText { kPlain, kPretty, kBare };

// A plain value. What each does is told in docs/COSMOS_EMULATOR.md.
struct CosmosOptions {
  // Of each collection that is made without throughput of its own: request units a second, or with
  // `autoscale` the most of them.
  std::int64_t ru = 400;
  bool autoscale = false;
  bool burst = false;  // burst capacity
  bool ssr = false;    // server-side retry, the capability DisableRateLimitingResponses
  // Physical partitions of a sharded collection; 0 for what its throughput asks for.
  int partitions = 0;
  std::set<std::string> capabilities = {};  // "EnableMongoRetryableWrites", ...
  std::string server_version = "4.2";       // one of `kCosmosVersions`
  // Collections that are sharded whoever makes them: name and shard key.
  std::vector<std::pair<std::string, std::string>> sharded = {};
  std::string region = "West US";
  // What hello says that clients are to connect to, "acct-westus.mongo.cosmos.azure.com:10255";
  // empty for the address that is listened on.
  std::string host = {};
  bool hello = true;               // false: hello is refused before the log-in, as some accounts do
  bool strong = false;             // strong or bounded staleness: reads cost twice as much
  bool continuous_backup = false;  // unique indexes by CreateCollection only
  ThrottleText throttle_text = ThrottleText::kPlain;
  std::uint64_t unsharded_bytes = std::uint64_t{20} << 30;  // the most that goes into one
};

}  // namespace gesso::localdb
