// The options of `gesso localdb --dialect cosmos-ru`.
#pragma once

#include <array>
#include <optional>

#include "gesso/cli/command.hpp"
#include "gesso/localdb/cosmos_options.hpp"

namespace gesso::cli {

inline constexpr auto kCosmosOptions = std::to_array<Option>({
    {.flag = "--dialect",
     .about = "Which server it behaves as: localdb, cosmos-ru for Azure Cosmos DB for MongoDB, or "
              "documentdb for Azure DocumentDB (vCore)",
     .value = "NAME",
     .default_value = "localdb"},
    {.flag = "--ru",
     .about = "cosmos-ru: request units a second of a collection that has no throughput of its own",
     .value = "N"},
    {.flag = "--autoscale", .about = "cosmos-ru: --ru is the most of autoscale", .value = ""},
    {.flag = "--burst", .about = "cosmos-ru: burst capacity is on", .value = ""},
    {.flag = "--ssr",
     .about = "cosmos-ru: the server waits for up to 60 s instead of refusing (server-side retry)",
     .value = ""},
    {.flag = "--partitions",
     .about = "cosmos-ru: physical partitions of a sharded collection, if not by its throughput",
     .value = "N"},
    {.flag = "--capability",
     .about = "cosmos-ru: capabilities of the account, EnableMongoRetryableWrites for example",
     .value = "NAME[,NAME]"},
    {.flag = "--server-version",
     .about = "cosmos-ru: 3.6, 4.0, 4.2, 5.0, 6.0 or 7.0; 7.0 where it is not given",
     .value = "VERSION"},
    {.flag = "--sharded",
     .about = "cosmos-ru: collections that are sharded whoever makes them",
     .value = "NAME=KEY[,NAME=KEY]"},
    {.flag = "--region", .about = "cosmos-ru: the region that hello tells", .value = "NAME"},
    {.flag = "--advertise",
     .about = "cosmos-ru: the address that hello tells clients to connect to",
     .value = "HOST:PORT"},
    {.flag = "--no-hello",
     .about = "cosmos-ru: hello is refused before the log-in, as on some accounts",
     .value = ""},
    {.flag = "--strong",
     .about = "cosmos-ru: strong or bounded staleness, under which reads cost twice as much",
     .value = ""},
    {.flag = "--continuous-backup",
     .about = "cosmos-ru: the account has continuous backup, which rules some things out",
     .value = ""},
    {.flag = "--throttle-text",
     .about = "cosmos-ru: how refusals are worded: plain, pretty (JSON in lines), or bare (without "
              "RetryAfterMs)",
     .value = "FORM"},
});

// What they say; std::nullopt for another dialect. Throws Failure (kUsage).
[[nodiscard]] std::optional<localdb::CosmosOptions> cosmos_options(const Invocation& invocation);

}  // namespace gesso::cli
