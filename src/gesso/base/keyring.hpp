// Secrets that a database keeps for us: encrypted, each with its owner bound to it, under one of
// several keys. Every text names its key, so that a new key takes over while what the one before it
// encrypted still opens, until it was all encrypted anew.
//
//   enc1.<key id>.<sealed>      `sealed` is a Sealer's (AES-256-GCM), the owner its associated data
//
// Const after construction, hence thread-safe but for the Random it is given; never blocks.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/random.hpp"
#include "gesso/base/sealing.hpp"
#include "gesso/base/secret.hpp"

namespace gesso {

class Keyring {
  struct Key {
    std::string id;
    Sealer sealer;
  };
  std::vector<Key> keys_;  // the first one encrypts, all of them decrypt

 public:
  static constexpr std::size_t kMinKeyBytes = 32;

  // Throws Error (kValidation) for no key, one of less than `kMinKeyBytes`, and one that is there
  // twice.
  explicit Keyring(std::span<const Secret> keys);

  // `owner` says what the value is and whose: "totp/user_01...".
  [[nodiscard]] std::string seal(std::string_view value, std::string_view owner,
                                 Random& random) const;

  struct Opened {
    Secret value;
    bool is_current = false;  // false: seal it anew, since its key is to go
  };
  // Throws Error (kInternal) for a text that names none of the keys, that was changed, or that was
  // sealed for another owner; the message shows neither value nor key.
  [[nodiscard]] Opened open(std::string_view text, std::string_view owner) const;

  // Whether the text looks like one of `seal`'s: what tells it from a secret in plain text.
  [[nodiscard]] static bool is_sealed(std::string_view text) noexcept;
  // Whether `text` names the key that encrypts now.
  [[nodiscard]] bool is_current(std::string_view text) const;
  // Its id, which is no secret.
  [[nodiscard]] std::string_view key_id() const { return keys_.front().id; }
};

}  // namespace gesso
