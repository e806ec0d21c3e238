#include "gesso/domain/oauth/key_set.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <boost/json.hpp>

#include "gesso/base/base64.hpp"

namespace gesso::domain::oauth {
namespace {

namespace json = boost::json;

template <auto kFree>
struct Free {
  template <class Thing>
  void operator()(Thing* thing) const {
    kFree(thing);
  }
};
using BigNumber = std::unique_ptr<BIGNUM, Free<&BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Free<&OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Free<&OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<&EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<&EVP_MD_CTX_free>>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The member, where it is a string.
std::optional<std::string_view> text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view(value->get_string());
}

// Whether a member is absent, or says this.
bool is_or_absent(const json::object& object, std::string_view name, std::string_view expected) {
  return !object.contains(name) || text_of(object, name) == expected;
}

BigNumber number_of(const json::object& object, std::string_view name) {
  const auto text = text_of(object, name);
  if (!text || text->size() > KeySet::kMaxBits / 4) return nullptr;
  const auto bytes = base64url_decode(*text);
  if (!bytes || bytes->empty()) return nullptr;
  return BigNumber(BN_bin2bn(bytes_of(*bytes), static_cast<int>(bytes->size()), nullptr));
}

std::shared_ptr<EVP_PKEY> read_key(const json::object& object) {
  if (text_of(object, "kty") != "RSA" || !is_or_absent(object, "use", "sig") ||
      !is_or_absent(object, "alg", "RS256")) {
    return nullptr;
  }
  const BigNumber modulus = number_of(object, "n");
  const BigNumber exponent = number_of(object, "e");
  if (!modulus || !exponent) return nullptr;
  const auto bits = static_cast<std::size_t>(BN_num_bits(modulus.get()));
  // A large exponent makes each verification as slow as whoever chose it likes.
  if (bits < KeySet::kMinBits || bits > KeySet::kMaxBits || !BN_is_odd(modulus.get()) ||
      !BN_is_odd(exponent.get()) || BN_is_one(exponent.get()) || BN_num_bits(exponent.get()) > 64) {
    return nullptr;
  }
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return nullptr;
  }
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return {key, &EVP_PKEY_free};
}

}  // namespace

bool VerificationKey::verifies(std::string_view input, std::string_view signature) const {
  const DigestContext digest(EVP_MD_CTX_new());
  EVP_PKEY_CTX* context = nullptr;  // the digest's
  const bool good =
      digest &&
      EVP_DigestVerifyInit(digest.get(), &context, EVP_sha256(), nullptr, key_.get()) == 1 &&
      EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
      EVP_DigestVerify(digest.get(), bytes_of(signature), signature.size(), bytes_of(input),
                       input.size()) == 1;
  ERR_clear_error();
  return good;
}

std::optional<KeySet> KeySet::read(std::string_view text) {
  boost::system::error_code error;
  const json::value root = json::parse(text, error);
  if (error || !root.is_object()) return std::nullopt;
  const json::value* keys = root.get_object().if_contains("keys");
  if (keys == nullptr || !keys->is_array()) return std::nullopt;
  KeySet set;
  for (const json::value& entry : keys->get_array()) {
    if (set.keys_.size() == kMaxKeys) break;
    if (!entry.is_object()) continue;
    auto key = read_key(entry.get_object());
    if (!key) continue;
    const auto member = [&](std::string_view name) {
      return std::string(text_of(entry.get_object(), name).value_or(""));
    };
    set.keys_.push_back({member("kid"), VerificationKey(std::move(key), member("issuer"))});
  }
  ERR_clear_error();
  return set;
}

const VerificationKey* KeySet::find(std::string_view id) const {
  if (id.empty()) return keys_.size() == 1 ? &keys_.front().key : nullptr;
  for (const Entry& entry : keys_) {
    if (entry.id == id) return &entry.key;
  }
  return nullptr;
}

}  // namespace gesso::domain::oauth
