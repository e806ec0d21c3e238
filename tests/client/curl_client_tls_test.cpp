#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/client/curl_client.hpp"
#include "gesso/testing/https_server.hpp"
#include "gesso/testing/test_ca.hpp"
#include "tests/client/support.hpp"

namespace gesso::client {
namespace {

using ::testing::HasSubstr;
using testing::HttpsServer;

constexpr const char* kHost = "myvault.vault.azure.net";

struct Tls : ::testing::Test {
  testing::TestCa ca;
  HttpsServer server{[](const HttpsServer::Request&) { return HttpsServer::Reply{.body = "{}"}; },
                     {.certificate = ca.issue({kHost})}};

  std::unique_ptr<HttpClient> client(const std::string& ca_file) const {
    return make_curl_client(
        {.allowed = {{"https://" + std::string(kHost)}},
         .connect_to = std::string(kHost) + ":443:127.0.0.1:" + std::to_string(server.port()),
         .ca_file = ca_file});
  }
  void expect_refused(HttpClient& to, const std::string& reason) {
    const Error error =
        error_of([&] { (void)to.send({.url = "https://" + std::string(kHost) + "/"}, {}); });
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
    EXPECT_FALSE(error.retryable());
    EXPECT_THAT(error.what(),
                HasSubstr("https://myvault.vault.azure.net: its certificate is not trusted"));
    EXPECT_THAT(error.what(), HasSubstr(reason));
    EXPECT_EQ(server.request_count(), 0U) << "nothing was sent";
  }
};

TEST_F(Tls, TrustsTheFileItIsGivenForTheNameItAsksFor) {
  const auto trusting = client(ca.file());
  EXPECT_EQ(trusting->send({.url = "https://" + std::string(kHost) + "/"}, {}).status, 200);
  EXPECT_EQ(server.requests().at(0).server_name, kHost);
}

TEST_F(Tls, RefusesACertificateOfNobodyItKnows) { expect_refused(*client(""), "certificate"); }

TEST_F(Tls, RefusesACertificateThatIsNotGood) {
  const auto trusting = client(ca.file());
  server.use_certificate(ca.issue({"evilvault.azure.net"}));
  expect_refused(*trusting, "myvault.vault.azure.net");
  server.use_certificate(ca.issue_expired({kHost}));
  expect_refused(*trusting, "expired");
  server.use_certificate(ca.issue_future({kHost}));
  expect_refused(*trusting, "not yet valid");
  server.use_certificate(testing::self_signed({kHost}));
  expect_refused(*trusting, "certificate");
}

}  // namespace
}  // namespace gesso::client
