// The keys that an issuer of tokens signs with: a JSON Web Key Set (RFC 7517) of which RSA keys for
// RS256 and P-256 keys for ES256 are taken, and nothing else.
//
// A value that shares its keys; const after construction, hence thread-safe; never blocks.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;

namespace gesso::jose {

enum class Algorithm {
  kRs256,  // RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3)
  kEs256,  // ECDSA on P-256 with SHA-256 (RFC 7518, 3.4)
};

// "RS256", "ES256". std::nullopt for every other one, `none` among them.
[[nodiscard]] std::optional<Algorithm> parse_algorithm(std::string_view name);

class VerificationKey {
  Algorithm algorithm_;
  std::shared_ptr<evp_pkey_st> key_;
  std::string issuer_;

 public:
  VerificationKey(Algorithm algorithm, std::shared_ptr<evp_pkey_st> key, std::string issuer)
      : algorithm_(algorithm), key_(std::move(key)), issuer_(std::move(issuer)) {}

  // The one that the key is for: a token must not choose another.
  [[nodiscard]] Algorithm algorithm() const { return algorithm_; }

  // Whose tokens this key alone may sign, which Microsoft says of each of its keys ("{tenantid}"
  // stands for any tenant); empty where nothing is said.
  [[nodiscard]] const std::string& issuer() const { return issuer_; }

  // Whether this is the signature by the key's algorithm.
  [[nodiscard]] bool verifies(std::string_view input, std::string_view signature) const;
};

class KeySet {
  struct Entry {
    std::string id;
    VerificationKey key;
  };
  std::vector<Entry> keys_;

 public:
  static constexpr std::size_t kMaxKeys = 64;
  static constexpr std::size_t kMinBits = 2048;  // RFC 7518, 3.3
  static constexpr std::size_t kMaxBits = 8192;  // what is longer costs us more than it is worth

  // {"keys": [{kty, use, alg, kid, n, e, crv, x, y, issuer}]}: keys of other kinds, for other uses
  // and of other sizes are passed over, as RFC 7517, section 5, has it. std::nullopt for what is no
  // such document.
  [[nodiscard]] static std::optional<KeySet> read(std::string_view text);

  // The key of that id for an algorithm; without an id the only key that is for it. nullptr where
  // there is none.
  [[nodiscard]] const VerificationKey* find(std::string_view id, Algorithm algorithm) const;
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
};

}  // namespace gesso::jose
