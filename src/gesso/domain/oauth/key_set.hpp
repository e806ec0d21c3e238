// The keys that a provider signs with: a JSON Web Key Set (RFC 7517) of which RSA keys for RS256
// are taken, and nothing else.
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

namespace gesso::domain::oauth {

class VerificationKey {
  std::shared_ptr<evp_pkey_st> key_;
  std::string issuer_;

 public:
  VerificationKey(std::shared_ptr<evp_pkey_st> key, std::string issuer)
      : key_(std::move(key)), issuer_(std::move(issuer)) {}

  // Whose tokens this key alone may sign, which Microsoft says of each of its keys ("{tenantid}"
  // stands for any tenant); empty where nothing is said.
  [[nodiscard]] const std::string& issuer() const { return issuer_; }

  // Whether this is the signature of RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3).
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

  // {"keys": [{kty, use, alg, kid, n, e, issuer}]}: keys of other kinds, for other uses and of
  // other sizes are passed over, as RFC 7517, section 5, has it. std::nullopt for what is no such
  // document.
  [[nodiscard]] static std::optional<KeySet> read(std::string_view text);

  // The key of that id; without an id the only key there is. nullptr where there is none.
  [[nodiscard]] const VerificationKey* find(std::string_view id) const;
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
};

}  // namespace gesso::domain::oauth
