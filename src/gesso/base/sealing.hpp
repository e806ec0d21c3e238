// Values that others keep for us and can neither read nor change: AES-256-GCM under a key of one
// purpose, derived (HKDF, RFC 5869) from a key that the service has already.
//
// Const after construction, hence thread-safe but for the Random it is given; never blocks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gesso/base/random.hpp"
#include "gesso/base/secret.hpp"

namespace gesso {

class Sealer {
  Secret key_;  // 32 bytes

 public:
  // `root` is any key of 32 random bytes or more. Sealers of another purpose do not open what this
  // one seals: "gesso oauth state 1".
  //
  // Throws Error: kValidation for a shorter root, kInternal where OpenSSL fails.
  Sealer(const Secret& root, std::string_view purpose);

  // The value in base64url, fit for a cookie or a URL: 12 random bytes of nonce, the ciphertext, 16
  // bytes of tag. With random nonces one key is good for 2^32 values (NIST SP 800-38D, 8.3).
  // `associated` is no part of the result, and must be the same to open it (GCM's associated data):
  // whose value it is, so that nobody puts it in the place of another's.
  [[nodiscard]] std::string seal(std::string_view value, Random& random,
                                 std::string_view associated = {}) const;

  // std::nullopt for whatever this key did not seal together with `associated`.
  [[nodiscard]] std::optional<Secret> open(std::string_view sealed,
                                           std::string_view associated = {}) const;
};

}  // namespace gesso
