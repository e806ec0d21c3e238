#include "gesso/azure/client_certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "gesso/base/base64.hpp"
#include "gesso/testing/test_ca.hpp"
#include "tests/azure/support.hpp"

namespace gesso::azure {
namespace {

using testing::Certificate;
using ::testing::HasSubstr;
using testing::KeyKind;
using ::testing::Not;

constexpr std::string_view kAudience = "https://login.microsoftonline.com/t/oauth2/v2.0/token";

// An RSA key takes a while to find: one for all.
const Certificate& application() {
  static const Certificate certificate = testing::self_signed({"app"}, KeyKind::kRsa2048);
  return certificate;
}

std::string encrypted_key(const Certificate& certificate, std::string password) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(bio, certificate.key.get(), EVP_aes_256_cbc(), password.data(),
                                static_cast<int>(password.size()), nullptr, nullptr);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

struct Jwt {
  std::string header, claims, signed_text, signature;

  explicit Jwt(std::string_view text) {
    const std::size_t first = text.find('.');
    const std::size_t last = text.rfind('.');
    header = base64url_decode(text.substr(0, first)).value_or("?");
    claims = base64url_decode(text.substr(first + 1, last - first - 1)).value_or("?");
    signed_text = text.substr(0, last);
    signature = base64url_decode(text.substr(last + 1)).value_or("?");
  }
  // PS256: PSS with SHA-256 and a salt as long as the digest.
  [[nodiscard]] bool verifies_with(const Certificate& certificate) const {
    EVP_MD_CTX* digest = EVP_MD_CTX_new();
    EVP_PKEY_CTX* context = nullptr;
    EVP_DigestVerifyInit(digest, &context, EVP_sha256(), nullptr, certificate.key.get());
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32);
    const int good = EVP_DigestVerify(
        digest, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
        reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size());
    EVP_MD_CTX_free(digest);
    return good == 1;
  }
};

std::string thumbprint(const Certificate& certificate) {
  unsigned char digest[32];
  unsigned int size = 0;
  X509_digest(certificate.certificate.get(), EVP_sha256(), digest, &size);
  return base64url_encode({reinterpret_cast<const char*>(digest), size});
}

TEST(ClientCertificate, SignsWhatEntraAccepts) {
  const std::string pem = application().key_pem() + application().certificate_pem();
  const ClientCertificate certificate("app.pem", pem, {});
  Scripted scripted;
  const Secret assertion = certificate.assertion("app-1", kAudience, CertificateChain::kLeave,
                                                 scripted.clock.now(), scripted.random);
  const Jwt jwt(assertion.reveal());
  EXPECT_EQ(jwt.header,
            R"({"alg":"PS256","typ":"JWT","x5t#S256":")" + thumbprint(application()) + R"("})");
  EXPECT_THAT(jwt.claims,
              ::testing::MatchesRegex(
                  R"(\{"aud":"https://login\.microsoftonline\.com/t/oauth2/v2\.0/token",)"
                  R"("iss":"app-1","sub":"app-1",)"
                  R"("jti":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",)"
                  R"("nbf":1769860800,"iat":1769860800,"exp":1769861400\})"));
  EXPECT_TRUE(jwt.verifies_with(application()));
  EXPECT_FALSE(jwt.verifies_with(testing::self_signed({"other"}, KeyKind::kRsa2048)));
}

TEST(ClientCertificate, OpensAnEncryptedKeyAndFindsItsOwnCertificate) {
  const testing::TestCa ca;
  const std::string pem = ca.certificate().certificate_pem() + application().certificate_pem() +
                          encrypted_key(application(), "pass phrase");
  const ClientCertificate certificate("app.pem", pem, Secret(std::string_view("pass phrase")));
  Scripted scripted;
  const Secret assertion = certificate.assertion("app-1", kAudience, CertificateChain::kSend,
                                                 scripted.clock.now(), scripted.random);
  const Jwt jwt(assertion.reveal());
  EXPECT_TRUE(jwt.verifies_with(application()));
  EXPECT_THAT(jwt.header, HasSubstr(thumbprint(application())));
  // Both certificates, base64 of DER, its own first: what stands between the lines of PEM.
  std::string body = application().certificate_pem();
  body = body.substr(body.find('\n') + 1);
  body = body.substr(0, body.find("-----END"));
  std::erase(body, '\n');
  std::string escaped;  // as Boost.JSON writes it
  for (const char c : body) escaped += c == '/' ? std::string("\\/") : std::string(1, c);
  const bool own_first = jwt.header.find(R"("x5c":[")" + body) != std::string::npos ||
                         jwt.header.find(R"("x5c":[")" + escaped) != std::string::npos;
  EXPECT_TRUE(own_first) << jwt.header;
  EXPECT_EQ(std::count(jwt.header.begin(), jwt.header.end(), ','), 4) << "two certificates";
}

TEST(ClientCertificate, SaysWhatIsWrongWithItsFile) {
  const std::string key = application().key_pem();
  const std::string own = application().certificate_pem();
  const testing::Certificate curve = testing::self_signed({"curve"});
  const std::tuple<std::string, std::string, std::string> cases[] = {
      {"", "", "found no private key"},
      {own, "", "found no private key"},
      {key, "", "found no certificate"},
      {key + curve.certificate_pem(), "", "not that of its certificate"},
      {curve.key_pem() + curve.certificate_pem(), "", "expected an RSA key"},
      {key.substr(0, key.size() / 2) + "\n-----END PRIVATE KEY-----\n" + own, "",
       "its private key cannot be read"},
      {encrypted_key(application(), "right") + own, "", "AZURE_CLIENT_CERTIFICATE_PASSWORD"},
      {encrypted_key(application(), "right") + own, "wrong", "AZURE_CLIENT_CERTIFICATE_PASSWORD"},
  };
  for (const auto& [pem, password, message] : cases) {
    const Error error =
        error_of([&] { ClientCertificate("app.pem", pem, Secret(std::string_view(password))); });
    EXPECT_EQ(error.kind(), ErrorKind::kAuth);
    EXPECT_THAT(error.what(), ::testing::StartsWith("app.pem: "));
    EXPECT_THAT(error.what(), HasSubstr(message));
    EXPECT_THAT(error.what(), Not(HasSubstr("wrong")));
  }
}

}  // namespace
}  // namespace gesso::azure
