#include "gesso/jose/key_set.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <boost/json.hpp>

#include "gesso/base/base64.hpp"

namespace gesso::jose {
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
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Free<&ECDSA_SIG_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<&EVP_MD_CTX_free>>;

constexpr int kCoordinate = 32;  // bytes of a number on P-256

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

std::shared_ptr<EVP_PKEY> build(const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return {key, &EVP_PKEY_free};
}

std::shared_ptr<EVP_PKEY> read_rsa(const json::object& object) {
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
  return build("RSA", builder.get());
}

// RFC 7518, 6.2.1. OpenSSL refuses a point that is not on the curve.
std::shared_ptr<EVP_PKEY> read_p256(const json::object& object) {
  if (text_of(object, "crv") != "P-256") return nullptr;
  std::string point = "\x04";  // both coordinates follow (SEC 1, 2.3.3)
  for (const std::string_view name : {"x", "y"}) {
    const auto text = text_of(object, name);
    const auto bytes = text ? base64url_decode(*text) : std::nullopt;
    if (!bytes || bytes->size() != kCoordinate) return nullptr;
    point += *bytes;
  }
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return nullptr;
  }
  return build("EC", builder.get());
}

std::optional<VerificationKey> read_key(const json::object& object) {
  if (!is_or_absent(object, "use", "sig")) return std::nullopt;
  const bool is_rsa = text_of(object, "kty") == "RSA";
  if (!is_rsa && text_of(object, "kty") != "EC") return std::nullopt;
  if (!is_or_absent(object, "alg", is_rsa ? "RS256" : "ES256")) return std::nullopt;
  auto key = is_rsa ? read_rsa(object) : read_p256(object);
  if (!key) return std::nullopt;
  return VerificationKey(is_rsa ? Algorithm::kRs256 : Algorithm::kEs256, std::move(key),
                         std::string(text_of(object, "issuer").value_or("")));
}

// A signature of two numbers of 32 bytes (RFC 7518, 3.4) as OpenSSL takes it; "" for another.
std::string as_der(std::string_view signature) {
  if (signature.size() != 2 * kCoordinate) return {};
  const auto number = [&](std::size_t at) {
    return BN_bin2bn(bytes_of(signature.substr(at)), kCoordinate, nullptr);
  };
  const EcdsaSignature parts(ECDSA_SIG_new());
  if (!parts || ECDSA_SIG_set0(parts.get(), number(0), number(kCoordinate)) != 1) return {};
  unsigned char* bytes = nullptr;
  const int size = i2d_ECDSA_SIG(parts.get(), &bytes);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

}  // namespace

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  if (name == "RS256") return Algorithm::kRs256;
  if (name == "ES256") return Algorithm::kEs256;
  return std::nullopt;
}

bool VerificationKey::verifies(std::string_view input, std::string_view signature) const {
  const bool is_rsa = algorithm_ == Algorithm::kRs256;
  const std::string der = is_rsa ? std::string() : as_der(signature);
  if (!is_rsa) signature = der;
  const DigestContext digest(EVP_MD_CTX_new());
  EVP_PKEY_CTX* context = nullptr;  // the digest's
  const bool good =
      digest &&
      EVP_DigestVerifyInit(digest.get(), &context, EVP_sha256(), nullptr, key_.get()) == 1 &&
      (!is_rsa || EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1) &&
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
    set.keys_.push_back(
        {std::string(text_of(entry.get_object(), "kid").value_or("")), *std::move(key)});
  }
  ERR_clear_error();
  return set;
}

const VerificationKey* KeySet::find(std::string_view id, Algorithm algorithm) const {
  const VerificationKey* found = nullptr;
  for (const Entry& entry : keys_) {
    if (entry.key.algorithm() != algorithm || (!id.empty() && entry.id != id)) continue;
    if (found != nullptr) return id.empty() ? nullptr : found;  // which of them?
    found = &entry.key;
  }
  return found;
}

}  // namespace gesso::jose
