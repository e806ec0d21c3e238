// Tokens that were found good lately, and what they say: a client shows the same one again and
// again, and to verify it takes longer than all else that happens before the database is asked.
//
// Thread-safe; a lock is held for a look-up. Bounded: a token takes the place of another.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/domain/jwt.hpp"

namespace gesso::domain::detail {

class VerifiedTokens {
 public:
  struct Verified {
    TokenClaims claims;
    double expires = 0;  // seconds since 1970
  };

 private:
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kPlaces = 256;  // of a shard
  struct Place {
    std::string token;  // "" where there is none
    Verified verified;
  };
  struct Shard {
    std::mutex mutex;  // guards places
    std::vector<Place> places{kPlaces};
  };
  std::array<Shard, kShards> shards_;

  template <class F>
  auto at_place_of(std::string_view token, F&& use) {
    const std::size_t hash = std::hash<std::string_view>()(token);
    Shard& shard = shards_[hash % kShards];
    const std::lock_guard lock(shard.mutex);
    return use(shard.places[hash / kShards % kPlaces]);
  }

 public:
  [[nodiscard]] std::optional<Verified> find(std::string_view token) {
    return at_place_of(token, [&](const Place& place) {
      return place.token == token ? std::optional(place.verified) : std::nullopt;
    });
  }
  void keep(std::string_view token, const Verified& verified) {
    at_place_of(token, [&](Place& place) {
      place.token = token;
      place.verified = verified;
    });
  }
};

}  // namespace gesso::domain::detail
