// Enumerations and the texts that stand for them in BSON and JSON.
//
//   enum class Plan { kFree, kPro };
//   constexpr auto wire_texts(Plan) { return std::to_array<std::string_view>({"free", "pro"}); }
//
// The texts stand in the order of the enumerators, which count from 0. The function is found by
// its argument, in the namespace of the enumeration.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>

#include "gesso/base/error.hpp"

namespace gesso::schema {

using gesso::to_string;  // of a Path, of an ErrorKind: one name, whatever is to be written

template <class E>
concept TextEnum = std::is_enum_v<E> && requires(E value) {
  wire_texts(value).size();
};

template <TextEnum E>
inline constexpr auto kWireTexts = wire_texts(E{});

template <TextEnum E>
[[nodiscard]] constexpr std::string_view to_string(E value) noexcept {
  return kWireTexts<E>[static_cast<std::size_t>(value)];
}

// std::nullopt for a text that stands for none.
template <TextEnum E>
[[nodiscard]] constexpr std::optional<E> parse_enum(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kWireTexts<E>.size(); ++i) {
    if (kWireTexts<E>[i] == text) return static_cast<E>(i);
  }
  return std::nullopt;
}

}  // namespace gesso::schema
