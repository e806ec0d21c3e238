// SHA-256 and what is built on it, by OpenSSL. Pure functions, and a key that is ready for use.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

struct evp_mac_ctx_st;  // OpenSSL's

namespace gesso {

using Digest = std::array<std::uint8_t, 32>;  // of SHA-256

// All of this throws Error (kInternal) where OpenSSL fails, which takes a machine without memory.
[[nodiscard]] Digest sha256(std::string_view bytes);
[[nodiscard]] Digest hmac_sha256(std::string_view key, std::string_view bytes);

// HMAC-SHA-256 by one key, many times: what depends on the key alone is done once, which is most of
// it for a short text. Const after construction, hence thread-safe.
class HmacSha256 {
  struct Free {
    void operator()(evp_mac_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> keyed_;

 public:
  explicit HmacSha256(std::string_view key);
  [[nodiscard]] Digest of(std::string_view bytes) const;
};

}  // namespace gesso
