// How many connections are open, in all and from each address. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "gesso/http/ip_address.hpp"

namespace gesso::http::detail {

class Places;

// One of them; given back when it is destroyed. Lives no longer than `Places`.
class Place {
  Places* places_ = nullptr;
  std::optional<IpAddress> counted_;  // under which address, where that is limited

 public:
  Place(Places& places, std::optional<IpAddress> counted) : places_(&places), counted_(counted) {}
  Place(Place&& other) noexcept
      : places_(std::exchange(other.places_, nullptr)), counted_(other.counted_) {}
  Place& operator=(Place&& other) noexcept {
    std::swap(places_, other.places_);
    std::swap(counted_, other.counted_);
    return *this;
  }
  ~Place();
};

class Places {
  friend class Place;
  // A household or a rented machine has 2^64 addresses of IPv6 at least.
  static constexpr unsigned kCountedBits = 64;

  const std::size_t max_;
  const std::size_t max_per_address_;
  std::atomic<std::size_t> taken_ = 0;
  std::mutex mutex_;  // guards by_address_
  std::map<IpAddress, std::size_t> by_address_;

  void give_back(const std::optional<IpAddress>& counted) {
    --taken_;
    if (!counted) return;
    const std::lock_guard lock(mutex_);
    const auto found = by_address_.find(*counted);
    if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
  }

 public:
  // A limit per address of 0 is none.
  Places(std::size_t max, std::size_t max_per_address)
      : max_(max), max_per_address_(max_per_address) {}

  // std::nullopt where there is none left. `is_exempt`: many clients come from this address.
  [[nodiscard]] std::optional<Place> take(const IpAddress& address, bool is_exempt) {
    if (++taken_ > max_) {
      --taken_;
      return std::nullopt;
    }
    if (max_per_address_ == 0 || is_exempt) return Place(*this, std::nullopt);
    const IpAddress counted = address.is_v4() ? address : address.prefix(kCountedBits);
    {
      const std::lock_guard lock(mutex_);
      std::size_t& count = by_address_[counted];
      if (count < max_per_address_) {
        ++count;
        return Place(*this, counted);
      }
    }
    --taken_;
    return std::nullopt;
  }

  [[nodiscard]] std::size_t taken() const noexcept { return taken_; }
  [[nodiscard]] bool is_full() const noexcept { return taken_ >= max_; }
};

inline Place::~Place() {
  if (places_ != nullptr) places_->give_back(counted_);
}

}  // namespace gesso::http::detail
