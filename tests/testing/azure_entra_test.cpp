#include "gesso/testing/azure_entra.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "gesso/testing/azure_standin.hpp"
#include "gesso/testing/detail/jwt.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "tests/testing/http_peer.hpp"

namespace gesso::testing {
namespace {

namespace json = boost::json;
using std::chrono::hours;
using std::chrono::seconds;
using Form = std::map<std::string, std::string>;

constexpr const char* kHost = "login.microsoftonline.com";

std::string encoded(const Form& form) {
  std::string out;
  for (const auto& [name, value] : form) {
    out += (out.empty() ? "" : "&") + name + "=";
    for (const char c : value) out += c == ' ' ? "+" : c == '+' ? "%2B" : std::string(1, c);
  }
  return out;
}

class EntraStandInTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  AzureStandIn azure_{{.clock = &clock_}};
  int status_ = 0;

  Form by_secret(const std::string& secret) {
    return {{"grant_type", "client_credentials"},
            {"client_id", azure_.entra.client_id()},
            {"client_secret", secret},
            {"scope", "https://vault.azure.net/.default"}};
  }
  Form by_secret() { return by_secret(azure_.entra.client_secret()); }
  Form by_assertion(const std::string& assertion) {
    Form form = by_secret();
    form.erase("client_secret");
    form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    form["client_assertion"] = assertion;
    return form;
  }

  json::object post(const std::string& path, const std::string& body) {
    HttpPeer peer(azure_.entra.server().port(), kHost, azure_.ca_file());
    const auto reply = peer.ask("POST", path, {}, body);
    status_ = reply->status;
    return json::parse(reply->body).as_object();
  }
  json::object post(const Form& form) {
    return post("/" + azure_.tenant() + "/oauth2/v2.0/token", encoded(form));
  }
  // The number of the error; 0 for a token.
  std::int64_t refusal(const Form& form) {
    const json::object reply = post(form);
    const json::value* codes = reply.if_contains("error_codes");
    return codes != nullptr ? codes->as_array().at(0).as_int64() : 0;
  }
};

TEST_F(EntraStandInTest, GivesATokenForAClientSecretWithNumbersAsNumbers) {
  azure_.tokens.set_life(seconds{3599});
  const json::object reply = post(by_secret());
  EXPECT_EQ(status_, 200);
  EXPECT_EQ(reply.at("expires_in"), 3599);
  EXPECT_EQ(reply.at("token_type"), "Bearer");
  EXPECT_FALSE(reply.contains("refresh_in"));
  const auto token = azure_.tokens.find(std::string(reply.at("access_token").as_string()));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->resource, "https://vault.azure.net");
  EXPECT_EQ(token->expires_on, clock_.now() + seconds{3599});
  EXPECT_EQ(token->client_id, azure_.entra.client_id());
  azure_.tokens.set_refresh_in(seconds{1800});
  EXPECT_EQ(post(by_secret()).at("refresh_in"), 1800);
}

TEST_F(EntraStandInTest, RefusesWhatTheRealOneRefuses) {
  EXPECT_EQ(refusal(by_secret("wrong")), 7000215);
  EXPECT_EQ(status_, 401);
  const auto without = [&](const char* name) {
    Form form = by_secret();
    form.erase(name);
    return refusal(form);
  };
  EXPECT_EQ(without("grant_type"), 900144);
  EXPECT_EQ(without("client_id"), 900144);
  EXPECT_EQ(without("scope"), 900144);
  EXPECT_EQ(status_, 400);
  EXPECT_EQ(without("client_secret"), 7000218);
  const auto with = [&](const char* name, const std::string& value) {
    Form form = by_secret();
    form[name] = value;
    return refusal(form);
  };
  EXPECT_EQ(with("grant_type", "password"), 70003);
  EXPECT_EQ(with("client_id", "00000000-0000-0000-0000-000000000000"), 700016);
  EXPECT_EQ(with("scope", "https://vault.azure.net"), 1002012);
  EXPECT_EQ(with("scope", "https://a/.default https://b/.default"), 1002012);
  EXPECT_EQ(with("scope", "https://evil.example/.default"), 500011);

  const json::object reply = post("/nowhere/oauth2/v2.0/token", encoded(by_secret()));
  EXPECT_EQ(status_, 400);
  EXPECT_EQ(reply.at("error"), "invalid_request");
  EXPECT_TRUE(reply.at("error_description").as_string().starts_with("AADSTS90002: Tenant"));
  EXPECT_TRUE(reply.contains("trace_id"));
  EXPECT_TRUE(reply.contains("correlation_id"));
  EXPECT_EQ(azure_.tokens.count(), 0u);
}

TEST_F(EntraStandInTest, TellsAnExpiredSecretFromARemovedOne) {
  azure_.entra.add_secret(azure_.entra.client_id(), "second", clock_.now() + hours{1});
  EXPECT_EQ(refusal(by_secret("second")), 0);
  clock_.advance(hours{1});
  EXPECT_EQ(refusal(by_secret("second")), 7000222);
  EXPECT_EQ(refusal(by_secret()), 0);
  azure_.entra.remove_secret(azure_.entra.client_id(), azure_.entra.client_secret());
  EXPECT_EQ(refusal(by_secret()), 7000215);
}

class EntraAssertionTest : public EntraStandInTest {
 protected:
  static const Certificate& certificate() {
    static const Certificate made = self_signed({"app"}, KeyKind::kRsa2048);  // costly to make
    return made;
  }
  std::string audience() const {
    return "https://" + std::string(kHost) + "/" + azure_.tenant() + "/oauth2/v2.0/token";
  }
  json::object claims() const {
    const auto now = std::chrono::floor<seconds>(clock_.now()).time_since_epoch().count();
    return {{"aud", audience()},
            {"iss", azure_.entra.client_id()},
            {"sub", azure_.entra.client_id()},
            {"jti", "1"},
            {"nbf", now},
            {"exp", now + 600}};
  }
  std::string assertion(const json::object& said) const {
    return detail::sign({{"x5t", detail::thumbprint(certificate().certificate.get(), EVP_sha1())}},
                        said, certificate().key.get());
  }
  std::int64_t refusal_with(const char* claim, const json::value& value) {
    json::object said = claims();
    said[claim] = value;
    return refusal(by_assertion(assertion(said)));
  }
};

TEST_F(EntraAssertionTest, VerifiesACertificatesSignatureAndClaims) {
  EXPECT_EQ(refusal(by_assertion(assertion(claims()))), 700027);  // not registered yet
  azure_.entra.register_certificate(azure_.entra.client_id(), certificate());
  EXPECT_EQ(refusal(by_assertion(assertion(claims()))), 0);
  EXPECT_EQ(refusal_with("aud", "https://login.microsoftonline.com/other/v2.0"), 700023);
  EXPECT_EQ(refusal_with("iss", "another"), 700021);
  EXPECT_EQ(refusal_with("sub", "another"), 700021);
  EXPECT_EQ(refusal_with("exp", 1), 700024);
  EXPECT_EQ(refusal_with("exp", nullptr), 700024);
  EXPECT_EQ(refusal_with("nbf", 1'900'000'000), 700024);

  // Signed by another key, under the name of the one that is registered.
  const Certificate other = self_signed({"app"}, KeyKind::kRsa2048);
  const std::string forged =
      detail::sign({{"x5t", detail::thumbprint(certificate().certificate.get(), EVP_sha1())}},
                   claims(), other.key.get());
  EXPECT_EQ(refusal(by_assertion(forged)), 700027);
  // Claims changed after signing.
  std::string changed = assertion(claims());
  const std::string with_other_end = assertion({{"iss", azure_.entra.client_id()}});
  changed =
      with_other_end.substr(0, with_other_end.rfind('.')) + changed.substr(changed.rfind('.'));
  EXPECT_EQ(refusal(by_assertion(changed)), 700027);
  EXPECT_EQ(refusal(by_assertion("no.token")), 50027);
  Form untyped = by_assertion(assertion(claims()));
  untyped.erase("client_assertion_type");
  EXPECT_EQ(refusal(untyped), 900144);
  azure_.entra.remove_certificates(azure_.entra.client_id());
  EXPECT_EQ(refusal(by_assertion(assertion(claims()))), 700027);
}

TEST_F(EntraAssertionTest, TakesTheLongThumbprintToo) {
  azure_.entra.register_certificate(azure_.entra.client_id(), certificate());
  const std::string text = detail::sign(
      {{"x5t#S256", detail::thumbprint(certificate().certificate.get(), EVP_sha256())}}, claims(),
      certificate().key.get());
  EXPECT_EQ(refusal(by_assertion(text)), 0);
}

TEST_F(EntraStandInTest, TakesTheFederatedTokenOfItsClusterAlone) {
  EXPECT_EQ(refusal(by_assertion(azure_.entra.federated_token())), 0);
  EXPECT_EQ(refusal(by_assertion(azure_.entra.federated_token({.issuer = "https://x/"}))), 700211);
  EXPECT_EQ(refusal(by_assertion(azure_.entra.federated_token({.audience = "api://x"}))), 700212);
  EXPECT_EQ(refusal(by_assertion(azure_.entra.federated_token({.subject = "x"}))), 700213);
  const std::string old = azure_.entra.federated_token({}, hours{1});
  clock_.advance(hours{2});
  EXPECT_EQ(refusal(by_assertion(old)), 700024);
  std::string broken = azure_.entra.federated_token();
  broken[broken.rfind('.') + 5] = broken[broken.rfind('.') + 5] == 'A' ? 'B' : 'A';
  EXPECT_EQ(refusal(by_assertion(broken)), 50027);
}

TEST_F(EntraStandInTest, ReplacesTheFederatedTokensFile) {
  const auto read = [&] {
    std::ifstream in(azure_.entra.federated_token_file());
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string first = read();
  EXPECT_EQ(refusal(by_assertion(first)), 0);
  azure_.entra.write_federated_token(azure_.entra.federated_token());
  EXPECT_NE(read(), first);
  EXPECT_EQ(refusal(by_assertion(read())), 0);
}

TEST_F(EntraStandInTest, RegistersTheCertificateWhoseFileItGives) {
  std::ifstream in(azure_.entra.client_certificate_file());
  const std::string pem{std::istreambuf_iterator<char>(in), {}};
  EXPECT_NE(pem.find("BEGIN PRIVATE KEY"), std::string::npos);
  EXPECT_NE(pem.find("BEGIN CERTIFICATE"), std::string::npos);
  EXPECT_EQ(azure_.entra.client_certificate_file(), azure_.entra.client_certificate_file());
}

}  // namespace
}  // namespace gesso::testing
