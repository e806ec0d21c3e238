#include "gesso/azure/client_certificate.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstring>
#include <string>

#include "gesso/base/base64.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/uuid.hpp"

namespace gesso::azure {
namespace {

constexpr std::chrono::seconds kLife{600};

using Bio = std::unique_ptr<BIO, decltype([](BIO* bio) { BIO_free(bio); })>;
using Digest = std::unique_ptr<EVP_MD_CTX, decltype([](EVP_MD_CTX* it) { EVP_MD_CTX_free(it); })>;

Bio reader(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Without one, OpenSSL would ask at the terminal.
int give_password(char* buffer, int size, int, void* user) {
  const std::string_view password = static_cast<const Secret*>(user)->reveal();
  if (password.empty() || password.size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, password.data(), password.size());
  return static_cast<int>(password.size());
}

std::string der(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  if (size < 0) throw Error(ErrorKind::kInternal, "a certificate could not be encoded");
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return text;
}

std::string thumbprint(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) {
    throw Error(ErrorKind::kInternal, "a certificate's thumbprint could not be made");
  }
  return base64url_encode({reinterpret_cast<const char*>(digest.data()), size});
}

std::string sign(EVP_PKEY* key, std::string_view text) {
  const Digest digest(EVP_MD_CTX_new());
  EVP_PKEY_CTX* context = nullptr;  // the digest's
  std::size_t size = 0;
  std::string signature;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  bool good = digest &&
              EVP_DigestSignInit(digest.get(), &context, EVP_sha256(), nullptr, key) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
              EVP_DigestSign(digest.get(), nullptr, &size, bytes, text.size()) == 1;
  if (good) {
    signature.resize(size);
    good = EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                          bytes, text.size()) == 1;
    signature.resize(size);
  }
  ERR_clear_error();
  if (!good) throw Error(ErrorKind::kInternal, "the assertion could not be signed");
  return signature;
}

}  // namespace

ClientCertificate::ClientCertificate(std::string_view name, std::string_view pem,
                                     const Secret& password) {
  const auto refuse = [name](std::string_view reason) {
    ERR_clear_error();
    return Error(ErrorKind::kAuth, std::string(name) + ": " + std::string(reason));
  };
  void* user = const_cast<Secret*>(&password);
  key_.reset(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, &give_password, user),
             &EVP_PKEY_free);
  if (!key_) {
    if (pem.find("PRIVATE KEY-----") == std::string_view::npos) {
      throw refuse("expected PEM with a private key and a certificate, found no private key");
    }
    throw refuse(pem.find("ENCRYPTED") == std::string_view::npos
                     ? "its private key cannot be read"
                     : "its private key is encrypted, and AZURE_CLIENT_CERTIFICATE_PASSWORD is not "
                       "set or does not open it");
  }
  if (EVP_PKEY_get_base_id(key_.get()) != EVP_PKEY_RSA) {
    throw refuse("expected an RSA key, which is what Entra ID accepts");
  }
  const Bio bio = reader(pem);
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, &give_password, user)) {
    chain_.emplace_back(certificate, &X509_free);
  }
  if (chain_.empty()) {
    throw refuse("expected PEM with a private key and a certificate, found no certificate");
  }
  const auto own = std::find_if(chain_.begin(), chain_.end(), [this](const auto& certificate) {
    return X509_check_private_key(certificate.get(), key_.get()) == 1;
  });
  if (own == chain_.end()) throw refuse("its private key is not that of its certificate");
  std::rotate(chain_.begin(), own, own + 1);
  ERR_clear_error();
}

Secret ClientCertificate::assertion(std::string_view client_id, std::string_view audience,
                                    CertificateChain chain, Time now, Random& random) const {
  namespace json = boost::json;
  json::object header{
      {"alg", "PS256"}, {"typ", "JWT"}, {"x5t#S256", thumbprint(chain_.front().get())}};
  if (chain == CertificateChain::kSend) {
    json::array& all = header["x5c"].emplace_array();
    for (const auto& certificate : chain_) all.emplace_back(base64_encode(der(certificate.get())));
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  const json::object claims{{"aud", json::string(audience)},
                            {"iss", json::string(client_id)},
                            {"sub", json::string(client_id)},
                            {"jti", to_string(random_uuid(random))},
                            {"nbf", seconds},
                            {"iat", seconds},
                            {"exp", seconds + kLife.count()}};
  std::string token =
      base64url_encode(json::serialize(header)) + "." + base64url_encode(json::serialize(claims));
  token += "." + base64url_encode(sign(key_.get(), token));
  return Secret(std::move(token));
}

}  // namespace gesso::azure
