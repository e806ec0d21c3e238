#include "gesso/base/sealing.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <array>
#include <cstdint>
#include <memory>

#include "gesso/base/base64.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"

namespace gesso {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kMaxBytes = 64 * 1024;  // a value is small: it travels with a request

using Cipher =
    std::unique_ptr<EVP_CIPHER_CTX, decltype([](EVP_CIPHER_CTX* it) { EVP_CIPHER_CTX_free(it); })>;
using Kdf = std::unique_ptr<EVP_KDF, decltype([](EVP_KDF* it) { EVP_KDF_free(it); })>;
using KdfContext =
    std::unique_ptr<EVP_KDF_CTX, decltype([](EVP_KDF_CTX* it) { EVP_KDF_CTX_free(it); })>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

[[noreturn]] void fail(const char* what) {
  ERR_clear_error();
  throw Error(ErrorKind::kInternal, std::string(what) + " failed");
}

}  // namespace

Sealer::Sealer(const Secret& root, std::string_view purpose) {
  if (root.reveal().size() < kKeyBytes) {
    throw Error(ErrorKind::kValidation, "a key to derive others from must have at least 32 bytes");
  }
  const Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const KdfContext context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  std::string digest = "SHA256";
  const auto octets = [](const char* name, std::string_view value) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()), value.size());
  };
  const std::array<OSSL_PARAM, 4> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      octets(OSSL_KDF_PARAM_KEY, root.reveal()), octets(OSSL_KDF_PARAM_INFO, purpose),
      OSSL_PARAM_construct_end()};
  std::string key(kKeyBytes, '\0');
  if (!context ||
      EVP_KDF_derive(context.get(), bytes_of(key), key.size(), parameters.data()) != 1) {
    fail("HKDF");
  }
  key_ = Secret(std::move(key));
}

std::string Sealer::seal(std::string_view value, Random& random,
                         std::string_view associated) const {
  if (value.size() > kMaxBytes || associated.size() > kMaxBytes) {
    throw Error(ErrorKind::kInternal, "a value to seal is longer than 64 KiB");
  }
  std::array<std::uint8_t, kNonceBytes> nonce{};
  random.fill(nonce);
  std::string sealed(kNonceBytes + value.size() + kTagBytes, '\0');
  sealed.replace(0, kNonceBytes, as_text(nonce));
  unsigned char* const text = bytes_of(sealed) + kNonceBytes;
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  if (!cipher ||
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key_.reveal()),
                         nonce.data()) != 1 ||
      EVP_EncryptUpdate(cipher.get(), nullptr, &length, bytes_of(associated),
                        static_cast<int>(associated.size())) != 1 ||
      EVP_EncryptUpdate(cipher.get(), text, &length, bytes_of(value),
                        static_cast<int>(value.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), text + length, &length) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, text + value.size()) !=
          1) {
    fail("AES-256-GCM");
  }
  return base64url_encode(sealed);
}

std::optional<Secret> Sealer::open(std::string_view sealed, std::string_view associated) const {
  if (sealed.size() > 2 * kMaxBytes || associated.size() > kMaxBytes) return std::nullopt;
  auto bytes = base64url_decode(sealed);
  if (!bytes || bytes->size() < kNonceBytes + kTagBytes) return std::nullopt;
  const std::size_t size = bytes->size() - kNonceBytes - kTagBytes;
  std::string value(size, '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  if (!cipher || EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                                    bytes_of(key_.reveal()), bytes_of(*bytes)) != 1) {
    fail("AES-256-GCM");
  }
  const bool good =
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes,
                          bytes_of(*bytes) + kNonceBytes + size) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, bytes_of(associated),
                        static_cast<int>(associated.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), bytes_of(value), &length, bytes_of(*bytes) + kNonceBytes,
                        static_cast<int>(size)) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), bytes_of(value) + length, &length) == 1;
  ERR_clear_error();
  Secret opened(std::move(value));  // wiped where it is not good
  if (!good) return std::nullopt;
  return opened;
}

}  // namespace gesso
