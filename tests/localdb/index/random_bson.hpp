// Random BSON of all types, full of the values that are easy to get wrong. The same seed gives the
// same values.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/decimal.hpp"

namespace gesso::localdb {

// How long the texts of small documents are: kLong is around what an index key can hold.
enum class Texts { kShort, kLong };

class RandomBson {
  std::mt19937 engine_;
  Texts texts_;

 public:
  explicit RandomBson(std::uint32_t seed, Texts texts = Texts::kShort)
      : engine_(seed), texts_(texts) {}

  [[nodiscard]] std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_);
  }

  // Any value under `key`; documents and arrays nest to `depth`.
  void append(bson::Builder& out, std::string_view key, int depth = 2) {
    switch (below(depth > 0 ? 19 : 17)) {
      case 0:
      case 1:
        out.append(key, pick(kDoubles));
        return;
      case 2:
        out.append(key, static_cast<std::int32_t>(below(20)) - 10);
        return;
      case 3:
        out.append(key, pick(kIntegers));
        return;
      case 4:
        out.append(key, *bson::parse_decimal(pick(kDecimals)));
        return;
      case 5:
      case 6:
        out.append(key, text());
        return;
      case 7:
        out.append(key, below(2) == 0);
        return;
      case 8:
        out.append(key, Time{std::chrono::milliseconds{pick(kIntegers)}});
        return;
      case 9:
        out.append(key, bson::Null{});
        return;
      case 10:
        out.append(key, bson::ObjectId{{static_cast<std::uint8_t>(below(256)), 1, 2}});
        return;
      case 11:
        out.append(key, bson::Timestamp{.seconds = static_cast<std::uint32_t>(below(3)) << 31,
                                        .increment = static_cast<std::uint32_t>(below(3))});
        return;
      case 12: {
        const std::array<std::uint8_t, 3> bytes{0, 0xFF, static_cast<std::uint8_t>(below(3))};
        out.append(key, bson::Binary{.subtype = static_cast<std::uint8_t>(below(2)),
                                     .bytes = {bytes.data(), below(4)}});
        return;
      }
      case 13:
        out.append(key, bson::Regex{.pattern = below(2) == 0 ? "^a" : "^ab", .options = "i"});
        return;
      case 14:
        out.append(key, bson::MinKey{});
        return;
      case 15:
        out.append(key, bson::MaxKey{});
        return;
      case 16:
        out.append(key, static_cast<double>(below(1000)) / 8 - 60);
        return;
      case 17: {
        const auto scope = out.document(key);
        append_fields(out, depth - 1);
        return;
      }
      default: {
        const auto scope = out.array(key);
        for (std::size_t n = below(4); n > 0; --n) append(out, out.next_key(), depth - 1);
      }
    }
  }

  // {v: any value}
  [[nodiscard]] bson::Document boxed(int depth = 2) {
    bson::Builder out;
    append(out, "v", depth);
    return out.finish();
  }

  // {_id: id, a: ..., b: ..., c: ...}, some of them missing, from few values, so that queries hit.
  [[nodiscard]] bson::Document small_document(std::int32_t id) {
    bson::Builder out;
    out.append("_id", id);
    for (const char* key : {"a", "b", "c"}) {
      if (below(6) > 0) append_small(out, key, 2);
    }
    return out.finish();
  }

  void append_small(bson::Builder& out, std::string_view key, int depth) {
    switch (below(depth > 0 ? 12 : 9)) {
      case 0:
      case 1:
      case 2:
        out.append(key, static_cast<std::int32_t>(below(6)));
        return;
      case 3:
        out.append(key, static_cast<double>(below(6)));
        return;
      case 4:
      case 5:
        out.append(key, small_text());
        return;
      case 6:
        out.append(key, bson::Null{});
        return;
      case 7:
        out.append(key, below(2) == 0);
        return;
      case 8:
        out.append(key, Time{std::chrono::milliseconds{static_cast<std::int64_t>(below(5))}});
        return;
      case 9: {
        const auto scope = out.document(key);
        if (below(4) > 0) append_small(out, "x", depth - 1);
        if (below(2) > 0) append_small(out, "y", depth - 1);
        return;
      }
      default: {
        const auto scope = out.array(key);
        for (std::size_t n = below(4); n > 0; --n) append_small(out, out.next_key(), depth - 1);
      }
    }
  }

 private:
  static constexpr std::array kDoubles{0.0,
                                       -0.0,
                                       1.0,
                                       -1.0,
                                       0.1,
                                       2.5,
                                       -2.5,
                                       1e300,
                                       -1e300,
                                       5e-324,
                                       9007199254740992.0,
                                       9007199254740994.0,
                                       9223372036854775808.0,
                                       -9223372036854775808.0,
                                       std::numeric_limits<double>::infinity(),
                                       -std::numeric_limits<double>::infinity(),
                                       std::numeric_limits<double>::quiet_NaN()};
  static constexpr std::array kIntegers{std::int64_t{0},
                                        std::int64_t{1},
                                        std::int64_t{-1},
                                        std::int64_t{9007199254740991},
                                        std::int64_t{9007199254740992},
                                        std::int64_t{9007199254740993},
                                        std::int64_t{-9007199254740993},
                                        std::numeric_limits<std::int64_t>::max(),
                                        std::numeric_limits<std::int64_t>::max() - 1,
                                        std::numeric_limits<std::int64_t>::min()};
  static constexpr std::array kDecimals{"0",
                                        "-0",
                                        "1",
                                        "1.00",
                                        "-1.0",
                                        "0.1",
                                        "2.5",
                                        "0.1000000000000000055511151231257827",
                                        "0.1000000000000000055511151231257828",
                                        "9007199254740993",
                                        "9007199254740992.5",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "1E+400",
                                        "-1E+400",
                                        "2E+400",
                                        "1E-400",
                                        "-1E-400",
                                        "9.999999999999999999999999999999999E+6144",
                                        "1E-6176",
                                        "NaN",
                                        "Infinity",
                                        "-Infinity"};

  template <class T, std::size_t N>
  T pick(const std::array<T, N>& values) {
    return values[below(N)];
  }

  [[nodiscard]] std::string small_text() {
    static constexpr std::array<std::size_t, 12> kLengths{1,   230, 463, 464, 465, 466,
                                                          467, 468, 494, 495, 496, 600};
    const std::size_t length = texts_ == Texts::kLong ? pick(kLengths) : 0;
    return std::string(length, 'x') + static_cast<char>('p' + below(4));
  }

  [[nodiscard]] std::string text() {
    static constexpr std::string_view kLetters("\0\1ab\xC3\xA9", 6);
    std::string out;
    for (std::size_t n = below(5); n > 0; --n) {
      const std::size_t at = below(5);
      out += at == 4 ? std::string("\xC3\xA9") : std::string(1, kLetters[at]);
    }
    return out;
  }

  void append_fields(bson::Builder& out, int depth) {
    for (std::size_t n = below(4); n > 0; --n) {
      append(out, below(2) == 0 ? "k" : "kk", depth);
    }
  }
};

}  // namespace gesso::localdb
