#include "gesso/testing/test_ca.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <stdexcept>

namespace gesso::testing {
namespace {

using std::chrono::hours;

// For what OpenSSL says only by returning nothing.
template <class T>
T checked(T result, const char* what) {
  if (result) return result;
  const char* reason = ERR_reason_error_string(ERR_get_error());
  throw std::runtime_error(std::string(what) + ": " + (reason != nullptr ? reason : "refused"));
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

std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string names;
  for (const std::string& host : hosts) {
    const bool address = host.find_first_not_of("0123456789.") == std::string::npos;
    names += (names.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + host;
  }
  return names;
}

struct Plan {
  std::vector<std::string> hosts;
  hours from;  // against now
  hours to;
  KeyKind kind = KeyKind::kP256;
  bool authority = false;
};

// Signed by `issuer`, or by itself where there is none.
Certificate make(const Plan& plan, const Certificate* issuer) {
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
  const std::string name = plan.authority ? "Gesso test authority" : plan.hosts.at(0);
  checked(
      X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0),
      "subject");
  checked(X509_set_issuer_name(certificate, X509_get_subject_name(signer)), "issuer");
  checked(X509_set_pubkey(certificate, made.key.get()), "public key");

  extend(certificate, signer, NID_basic_constraints,
         plan.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  extend(certificate, signer, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) extend(certificate, signer, NID_authority_key_identifier, "keyid:always");
  if (plan.authority) {
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

}  // namespace

std::string Certificate::certificate_pem() const {
  return pem([this](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); });
}

std::string Certificate::key_pem() const {
  return pem([this](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

TestCa::TestCa()
    : self_(make({.hosts = {}, .from = hours{-48}, .to = hours{480}, .authority = true}, nullptr)),
      file_(folder_ / "ca.pem") {
  std::ofstream(file_) << self_.certificate_pem();
}

Certificate TestCa::issue(const std::vector<std::string>& hosts) const {
  return make({.hosts = hosts, .from = hours{-24}, .to = hours{240}}, &self_);
}

Certificate TestCa::issue_expired(const std::vector<std::string>& hosts) const {
  return make({.hosts = hosts, .from = hours{-47}, .to = hours{-24}}, &self_);
}

Certificate TestCa::issue_future(const std::vector<std::string>& hosts) const {
  return make({.hosts = hosts, .from = hours{24}, .to = hours{240}}, &self_);
}

Certificate self_signed(const std::vector<std::string>& hosts, KeyKind kind) {
  return make({.hosts = hosts, .from = hours{-24}, .to = hours{240}, .kind = kind}, nullptr);
}

}  // namespace gesso::testing
