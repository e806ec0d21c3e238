// Random valid values of every type that a model's field may have, for properties.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "gesso/schema/codec.hpp"
#include "gesso/schema/email.hpp"
#include "gesso/schema/id.hpp"
#include "gesso/schema/number.hpp"
#include "gesso/schema/password.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::models::testing {

class Dice {
  std::mt19937_64 engine_;

 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }
  bool one_in(std::int64_t n) { return between(1, n) == 1; }

  std::string text(std::size_t characters, std::string_view alphabet) {
    std::string result;
    while (characters-- > 0) {
      result += alphabet[static_cast<std::size_t>(
          between(0, static_cast<std::int64_t>(alphabet.size()) - 1))];
    }
    return result;
  }
};

template <class T>
struct RandomValue;

template <class T>
T random_value(Dice& dice) {
  return RandomValue<T>::make(dice);
}

template <>
struct RandomValue<bool> {
  static bool make(Dice& dice) { return dice.one_in(2); }
};

template <>
struct RandomValue<Time> {  // the years 0 to 9999, which JSON can write
  static Time make(Dice& dice) {
    return Time{std::chrono::milliseconds{dice.between(-62'167'219'200'000, 253'402'300'799'999)}};
  }
};

template <>
struct RandomValue<std::int64_t> {
  static std::int64_t make(Dice& dice) { return dice.between(-1'000'000, 1'000'000'000'000); }
};

template <>
struct RandomValue<double> {
  static double make(Dice& dice) { return static_cast<double>(dice.between(0, 1'000'000)) / 100; }
};

template <>
struct RandomValue<std::string> {
  static std::string make(Dice& dice) {
    return dice.text(static_cast<std::size_t>(dice.between(0, 20)), "aZ0 \"\n");
  }
};

template <std::size_t Min, std::size_t Max>
struct RandomValue<schema::Text<Min, Max>> {
  static schema::Text<Min, Max> make(Dice& dice) {
    constexpr std::string_view kPieces[] = {"a",        "Z",
                                            "0",        " ",
                                            "\"",       "\\",
                                            "\n",       "\x01",
                                            "\xC3\xA9", "\xE2\x82\xAC",
                                            "/",        "\xF0\x9F\x8E\xA8"};
    // Both bounds come up often, since mistakes live there.
    std::int64_t length = dice.between(Min, std::max(Min, std::min<std::size_t>(Max, 30)));
    if (dice.one_in(10)) length = Min;
    if (dice.one_in(10)) length = Max;
    std::string text;
    for (std::int64_t i = 0; i < length; ++i) {
      text += kPieces[dice.between(0, std::size(kPieces) - 1)];
    }
    return text;
  }
};

template <std::int64_t Min, std::int64_t Max>
struct RandomValue<schema::Integer<Min, Max>> {
  static schema::Integer<Min, Max> make(Dice& dice) {
    if (dice.one_in(10)) return Min;
    if (dice.one_in(10)) return Max;
    return dice.between(Min, Max);
  }
};

template <std::int64_t Min, std::int64_t Max>
struct RandomValue<schema::Number<Min, Max>> {
  static schema::Number<Min, Max> make(Dice& dice) {
    return static_cast<double>(dice.between(Min * 1'000'000, Max * 1'000'000)) / 1e6;
  }
};

template <schema::FixedString Prefix>
struct RandomValue<schema::Id<Prefix>> {
  static schema::Id<Prefix> make(Dice& dice) {
    const auto length = static_cast<std::size_t>(dice.between(1, 64));
    return std::string(Prefix.view()) + dice.text(length, "0189AZaz_-");
  }
};

template <>
struct RandomValue<schema::Email> {
  static schema::Email make(Dice& dice) {
    return dice.text(static_cast<std::size_t>(dice.between(1, 64)), "abXY09+_'") + "@" +
           dice.text(static_cast<std::size_t>(dice.between(1, 63)), "abXY09") + ".Org";
  }
};

template <>
struct RandomValue<schema::PasswordHash> {
  static schema::PasswordHash make(Dice& dice) {
    return schema::PasswordHash("$2b$12$" + dice.text(53, "./09azAZ"));
  }
};

template <>
struct RandomValue<schema::Object> {
  static schema::Object make(Dice& dice) {
    bson::Builder builder;
    for (std::int64_t i = dice.between(0, 4); i > 0; --i) {
      const std::string key = "k" + std::to_string(i);
      switch (dice.between(0, 4)) {
        case 0:
          builder.append(key, dice.between(-1'000'000'000'000, 1'000'000'000'000));
          break;
        case 1:
          builder.append(key, static_cast<double>(dice.between(-1000, 1000)) / 8);
          break;
        case 2:
          builder.append(key, dice.text(5, "ab\"\\"));
          break;
        case 3:
          builder.append(key, bson::make_array(true, bson::Null{}, std::int64_t{7}));
          break;
        default:
          builder.append(key, bson::make_document("nested", bson::make_document("x", false)));
      }
    }
    return schema::Object(builder.finish());
  }
};

template <schema::TextEnum E>
struct RandomValue<E> {
  static E make(Dice& dice) {
    return static_cast<E>(
        dice.between(0, static_cast<std::int64_t>(schema::kWireTexts<E>.size()) - 1));
  }
};

template <class T>
struct RandomValue<std::optional<T>> {
  static std::optional<T> make(Dice& dice) {
    if (dice.one_in(3)) return std::nullopt;
    return random_value<T>(dice);
  }
};

template <class T>
struct RandomValue<std::vector<T>> {
  static std::vector<T> make(Dice& dice) {
    std::vector<T> items;
    for (std::int64_t i = dice.between(0, 3); i > 0; --i) items.push_back(random_value<T>(dice));
    return items;
  }
};

template <schema::Described T>
struct RandomValue<T> {
  static T make(Dice& dice) {
    T value = schema::Access::make<T>();
    boost::mp11::mp_for_each<schema::Members<T>>([&](auto member) {
      using F = schema::detail::TypeOf<decltype(member)>;
      value.*member.pointer = random_value<F>(dice);
    });
    return value;
  }
};

}  // namespace gesso::models::testing
