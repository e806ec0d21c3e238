// The fields of the commands that `explain` runs too, and what else command files share.
#pragma once

#include <cstdint>
#include <string_view>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/engine/arguments.hpp"
#include "gesso/localdb/language/empty_timestamp.hpp"

namespace gesso::localdb {

// `hint_of` looks at its type itself, which has a code of its own.
inline constexpr TypeSet kHint = kAny & ~type_set(bson::Type::kNull);

inline constexpr Field kFindFields[] = {
    {"find", kAny, Presence::kRequired},
    {"filter", kObject},
    {"sort", kObject},
    {"projection", kObject},
    {"hint", kHint},
    {"skip", kNumber},
    {"limit", kNumber},
    {"batchSize", kNumber},
    {"singleBatch", kFlag},
    {"let", kObject},
    {"collation", kObject},
    {"min", kObject},
    {"max", kObject},
    {"returnKey", kFlag},
    {"showRecordId", kFlag},
    {"tailable", kFlag},
    {"awaitData", kFlag},
    {"oplogReplay", kFlag},
    {"noCursorTimeout", kFlag},
    {"allowPartialResults", kFlag},
    {"allowDiskUse", kFlag},
    {"includeQueryStatsMetrics", kFlag},
};
inline constexpr Field kCountFields[] = {
    {"count", kAny, Presence::kRequired},
    {"query", kObject},
    {"limit", kNumber},
    {"skip", kNumber},
    {"hint", kHint},
    {"collation", kObject},
    {"fields", kObject},
};
inline constexpr Field kDistinctFields[] = {
    {"distinct", kAny, Presence::kRequired},
    {"key", kString, Presence::kRequired},
    {"query", kObject},
    {"hint", kHint},
    {"collation", kObject},
};
inline constexpr Field kAggregateFields[] = {
    {"aggregate", kAny, Presence::kRequired},
    {"pipeline", kArray, Presence::kRequired},
    {"cursor", kObject},
    {"explain", kFlag},
    {"allowDiskUse", kFlag},
    {"bypassDocumentValidation", kFlag},
    {"hint", kHint},
    {"collation", kObject},
    {"let", kObject},
};
inline constexpr Field kUpdateFields[] = {
    {"update", kAny, Presence::kRequired},
    {"updates", kArray, Presence::kRequired},
    {"ordered", kFlag},
    {"bypassDocumentValidation", kFlag},
    {"bypassEmptyTsReplacement", kFlag},
    {"let", kObject},
};
inline constexpr Field kDeleteFields[] = {
    {"delete", kAny, Presence::kRequired},
    {"deletes", kArray, Presence::kRequired},
    {"ordered", kFlag},
    // All writes take them; for a delete they mean nothing.
    {"bypassDocumentValidation", kFlag},
    {"bypassEmptyTsReplacement", kFlag},
    {"let", kObject},
};
inline constexpr Field kFindAndModifyFields[] = {
    {"findAndModify"},
    {"findandmodify"},
    {"query", kObject},
    {"sort", kObject},
    {"remove", kFlag},
    {"update", kObject | kArray},
    {"new", kFlag},
    {"fields", kObject},
    {"upsert", kFlag},
    {"bypassDocumentValidation", kFlag},
    {"bypassEmptyTsReplacement", kFlag},
    {"collation", kObject},
    {"arrayFilters", kArray},
    {"hint", kHint},
    {"let", kObject},
};

// Of a command that writes.
[[nodiscard]] inline EmptyTimestamps empty_timestamps_of(const Arguments& arguments) {
  return arguments.flag("bypassEmptyTsReplacement") ? EmptyTimestamps::kKeep
                                                    : EmptyTimestamps::kReplace;
}

// A count as MongoDB sends it: int32 where it fits.
inline void append_count(bson::Builder& out, std::string_view key, std::uint64_t count) {
  if (count <= INT32_MAX) {
    out.append(key, static_cast<std::int32_t>(count));
  } else {
    out.append(key, static_cast<std::int64_t>(count));
  }
}

}  // namespace gesso::localdb
