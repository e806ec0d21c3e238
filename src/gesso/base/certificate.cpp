#include "gesso/base/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "gesso/base/error.hpp"

namespace gesso {
namespace {

// For what OpenSSL says only by returning nothing.
template <class T>
T checked(T result, const char* what) {
  if (result) return result;
  const char* reason = ERR_reason_error_string(ERR_get_error());
  throw Error(ErrorKind::kInternal,
              std::string(what) + ": " + (reason != nullptr ? reason : "refused"));
}

template <class Write>
std::string pem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(checked(BIO_new(BIO_s_mem()), "BIO_new"),
                                                      &BIO_free);
  checked(write(out.get()), "writing PEM");
  const char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::shared_ptr<EVP_PKEY> make_key(KeyKind kind) {
  EVP_PKEY* key = kind == KeyKind::kP256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
  return {checked(key, "making a key"), &EVP_PKEY_free};
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      checked(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), value.c_str()),
      &X509_EXTENSION_free);
  checked(X509_add_ext(certificate, extension.get(), -1), "X509_add_ext");
}

bool is_address(const std::string& host) {
  return host.find(':') != std::string::npos ||
         host.find_first_not_of("0123456789.") == std::string::npos;
}

std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string names;
  for (const std::string& host : hosts) {
    names += (names.empty() ? "" : ",") + std::string(is_address(host) ? "IP:" : "DNS:") + host;
  }
  return names;
}

}  // namespace

std::string Certificate::certificate_pem() const {
  return pem([this](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); });
}

std::string Certificate::key_pem() const {
  return pem([this](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

Certificate make_certificate(const CertificatePlan& plan, const Certificate* issuer) {
  const bool authority = plan.hosts.empty();
  Certificate made{.certificate = {checked(X509_new(), "X509_new"), &X509_free},
                   .key = make_key(plan.kind)};
  X509* const certificate = made.certificate.get();
  X509* const signer = issuer != nullptr ? issuer->certificate.get() : certificate;
  X509_set_version(certificate, X509_VERSION_3);

  unsigned char serial[16];
  checked(RAND_bytes(serial, sizeof serial) == 1, "RAND_bytes");
  serial[0] &= 0x7F;  // a positive number
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      checked(BN_bin2bn(serial, sizeof serial, nullptr), "BN_bin2bn"), &BN_free);
  checked(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)), "serial number");

  using Seconds = std::chrono::seconds;
  X509_gmtime_adj(X509_getm_notBefore(certificate), Seconds(plan.from).count());
  X509_gmtime_adj(X509_getm_notAfter(certificate), Seconds(plan.to).count());
  checked(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(plan.name.c_str()), -1,
                                     -1, 0),
          "subject");
  checked(X509_set_issuer_name(certificate, X509_get_subject_name(signer)), "issuer");
  checked(X509_set_pubkey(certificate, made.key.get()), "public key");

  extend(certificate, signer, NID_basic_constraints,
         authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  extend(certificate, signer, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) extend(certificate, signer, NID_authority_key_identifier, "keyid:always");
  if (authority) {
    extend(certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    extend(certificate, signer, NID_key_usage, "critical,digitalSignature");
    extend(certificate, signer, NID_ext_key_usage, "serverAuth,clientAuth");
    extend(certificate, signer, NID_subject_alt_name, alternative_names(plan.hosts));
  }
  EVP_PKEY* const key = issuer != nullptr ? issuer->key.get() : made.key.get();
  checked(X509_sign(certificate, key, EVP_sha256()), "X509_sign");
  return made;
}

bool certificate_serves(std::string_view pem, const std::vector<std::string>& hosts,
                        std::chrono::hours longer) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> found(
      in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr, &X509_free);
  ERR_clear_error();
  if (!found) return false;
  const auto seconds = std::chrono::seconds(longer).count();
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> then(
      X509_gmtime_adj(nullptr, seconds), &ASN1_TIME_free);
  if (!then || ASN1_TIME_compare(X509_get0_notAfter(found.get()), then.get()) <= 0) return false;
  return std::ranges::all_of(hosts, [&](const std::string& host) {
    return is_address(host)
               ? X509_check_ip_asc(found.get(), host.c_str(), 0) == 1
               : X509_check_host(found.get(), host.data(), host.size(), 0, nullptr) == 1;
  });
}

}  // namespace gesso
