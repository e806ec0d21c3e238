// Values of Azure's replies, read as its SDKs read them: numbers may be text, flags too, and what
// is null is not there. Internal to azure/; pure functions.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gesso::azure {

// The end of the year 9999: a later time means that there is no end.
inline constexpr std::int64_t kMaxSeconds = 253'402'300'799;

// The member; nullptr where there is none, or null.
[[nodiscard]] const boost::json::value* member(const boost::json::object& object,
                                               std::string_view name);

// The member, where it is a string.
[[nodiscard]] std::optional<std::string_view> string_member(const boost::json::object& object,
                                                            std::string_view name);

// A whole number of seconds from 0 to `kMaxSeconds`: a number, or a string that holds one, perhaps
// with blanks around it. A fraction is cut off.
[[nodiscard]] std::optional<std::int64_t> read_seconds(const boost::json::value& value);

// true and false, also as text in any case.
[[nodiscard]] std::optional<bool> read_flag(const boost::json::value& value);

}  // namespace gesso::azure
