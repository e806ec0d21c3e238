// The violations that schema reports, in the spelling of Pydantic 2
// (https://docs.pydantic.dev/latest/errors/validation_errors/).
//
// Each function leaves the path empty (who knows the place fills it in), and `expected` too where
// only the field's type knows it. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gesso/base/error.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::schema {

// What a `string_too_short` counts.
enum class LengthUnit { kCharacters, kBytes };

// "3 characters", "1 byte".
[[nodiscard]] std::string count_text(std::size_t count, LengthUnit unit);
// "string of 1 to 2000 characters"
[[nodiscard]] std::string length_text(std::size_t min, std::size_t max, LengthUnit unit);
// "'a', 'b' or 'c'"
[[nodiscard]] std::string alternatives(std::span<const std::string_view> texts);
// The shortest text that reads back as the same number; "7.0" for an integral one.
[[nodiscard]] std::string number_text(double value);

// A value for people: `int 7`, `string "abc"` (cut at 40 bytes), `array`, `nothing`.
[[nodiscard]] std::string found_text(bson::Value value);

[[nodiscard]] Violation missing();
[[nodiscard]] Violation extra_forbidden(bson::Value found);
// A value of another type: "string_type", "int_type", ...; `found` says which.
[[nodiscard]] Violation wrong_type(std::string_view type, std::string_view message,
                                   bson::Value found);
[[nodiscard]] Violation too_short(std::size_t min, std::size_t found, LengthUnit unit);
[[nodiscard]] Violation too_long(std::size_t max, std::size_t found, LengthUnit unit);
[[nodiscard]] Violation not_utf8();
[[nodiscard]] Violation below(std::string_view min, std::string_view found);
[[nodiscard]] Violation above(std::string_view max, std::string_view found);
[[nodiscard]] Violation not_in_enum(std::span<const std::string_view> texts, bson::Value found);
[[nodiscard]] Violation not_in_enum(std::span<const std::string_view> texts,
                                    std::string_view found);
[[nodiscard]] Violation pattern_mismatch(std::string_view pattern, std::string_view found);
// A rule of the field's own.
[[nodiscard]] Violation value_error(std::string_view message, std::string_view found);

}  // namespace gesso::schema
