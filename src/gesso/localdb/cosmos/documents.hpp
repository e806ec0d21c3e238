// Documents as they are stored: with the moment of their last modification, `_ts`, behind the
// fields that clients see.
//
// Pure.
#pragma once

#include <optional>

#include "gesso/base/clock.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::localdb::cosmos {

inline constexpr std::string_view kModified = "_ts";
inline constexpr std::string_view kTimeToLive = "ttl";

// The moment of a change, in microseconds since 1970: each change has a later one than those that
// were committed before it.
using Stamp = std::int64_t;

// `document` with `_ts` behind it; both as their bytes.
[[nodiscard]] bson::Document stamped(bson::View document, Stamp stamp);
// 0 where none was written.
[[nodiscard]] Stamp stamp_in(bson::View stored);
// The moment of a stored document; std::nullopt where none was written.
[[nodiscard]] std::optional<Time> modified_at(bson::View stored);
// What clients see of a stored document.
[[nodiscard]] bson::Document without_stamp(bson::View stored);
// The document's own time to live in seconds: an int32, or another number that is one; anything
// else stands for none. -1 for one that lives for ever.
[[nodiscard]] std::optional<std::int64_t> own_time_to_live(bson::View document);

}  // namespace gesso::localdb::cosmos
