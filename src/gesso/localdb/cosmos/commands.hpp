// The commands that Cosmos DB has beside MongoDB's, or answers in its own way.
#pragma once

#include <span>
#include <string>

#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/index/spec.hpp"

namespace gesso::localdb::cosmos {

// All of them, in no order.
[[nodiscard]] std::span<const Command> cosmos_commands();

// extension_commands.cpp
void custom_action(Context& context);
void shard_collection(Context& context);
void enable_sharding(Context& context);
// change_stream_commands.cpp: those of the engine, but for a pipeline or a cursor of a change
// stream
void aggregate(Context& context);
void get_more(Context& context);
void get_change_stream_tokens(Context& context, const Collection& collection);
// explain.cpp
void explain(Context& context);

// An index as listIndexes and GetCollection show it: numbers are doubles, the namespace is there.
[[nodiscard]] bson::Document describe_index(const IndexSpec& spec, const std::string& ns);

}  // namespace gesso::localdb::cosmos
