#include "gesso/cli/outgoing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/base/error.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/https_server.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/client/smtp_server.hpp"

namespace gesso::cli {
namespace {

using ::testing::HasSubstr;

Settings settings_of(std::vector<std::pair<std::string, std::string>> environment) {
  return std::move(load_settings({.environment = std::move(environment)}).values);
}

const std::pair<std::string, std::string> kRedirect{
    "GESSO_OAUTH_REDIRECT_URI", "https://api.example.com/api/v1/auth/oauth/{provider}/callback"};

std::string problem_of(std::vector<std::pair<std::string, std::string>> environment) {
  testing::FakeClock clock;
  testing::SeededRandom random{1};
  try {
    const Settings settings = settings_of(std::move(environment));
    (void)sign_in_providers(settings);
    (void)make_mailer(settings, clock, random);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("hunter2")));
    return error.what();
  }
  return "";
}

TEST(Outgoing, HasTheProvidersWhoseClientIdIsSet) {
  EXPECT_TRUE(sign_in_providers(Settings{}).empty());
  const auto providers =
      sign_in_providers(settings_of({kRedirect,
                                     {"GESSO_GOOGLE_CLIENT_ID", "g"},
                                     {"GESSO_GOOGLE_CLIENT_SECRET", "hunter2"},
                                     {"GESSO_GITHUB_CLIENT_ID", "h"},
                                     {"GESSO_GITHUB_CLIENT_SECRET", "hunter2"}}));
  ASSERT_EQ(providers.size(), 2U);
  EXPECT_EQ(providers[0].issuer, "https://accounts.google.com");
  EXPECT_EQ(providers[1].issuer, "https://github.com");
  EXPECT_TRUE(providers[1].client_secret.equals("hunter2"));
}

TEST(Outgoing, OffersSignInWhereThereIsAProvider) {
  testing::FakeClock clock;
  testing::SeededRandom random{1};
  const Secret root(std::string(32, 'k'));
  EXPECT_EQ(Outgoing(Settings{}, root, clock, random).sign_in(), nullptr);
  Outgoing outgoing(settings_of({kRedirect,
                                 {"GESSO_MICROSOFT_CLIENT_ID", "m"},
                                 {"GESSO_MICROSOFT_CLIENT_SECRET", "hunter2"}}),
                    root, clock, random);
  ASSERT_NE(outgoing.sign_in(), nullptr);
  EXPECT_TRUE(outgoing.sign_in()->offers(domain::oauth::ProviderKind::kMicrosoft));
  EXPECT_FALSE(outgoing.sign_in()->offers(domain::oauth::ProviderKind::kGoogle));
  try {
    (void)outgoing.http().send({.url = "http://169.254.169.254/"}, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("not among the servers that may be called"));
  }
}

TEST(Outgoing, CallsStripeWithTheKeyThatIsSet) {
  testing::FakeClock clock;
  testing::SeededRandom random{1};
  const Secret root(std::string(32, 'k'));
  EXPECT_FALSE(Outgoing(Settings{}, root, clock, random).stripe());
  testing::HttpsServer server(
      [](const testing::HttpsServer::Request&) { return testing::HttpsServer::Reply{}; });
  Outgoing outgoing(
      settings_of({{"GESSO_STRIPE_SECRET_KEY", "sk_test_hunter2"},
                   {"GESSO_STRIPE_API_URL", "http://127.0.0.1:" + std::to_string(server.port())}}),
      root, clock, random);
  const auto reply = outgoing.stripe()({.method = "GET", .path = "/v1/subscriptions/sub_1"},
                                       Deadline::after(std::chrono::seconds{10}));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(server.requests().at(0).header("authorization"), "Bearer sk_test_hunter2");
}

TEST(Outgoing, SaysWhichSettingIsMissing) {
  EXPECT_THAT(problem_of({kRedirect, {"GESSO_GOOGLE_CLIENT_ID", "g"}}),
              HasSubstr("google_client_secret"));
  EXPECT_THAT(
      problem_of({{"GESSO_GITHUB_CLIENT_ID", "g"}, {"GESSO_GITHUB_CLIENT_SECRET", "hunter2"}}),
      HasSubstr("oauth_redirect_uri"));
  EXPECT_THAT(problem_of({{"GESSO_OAUTH_REDIRECT_URI", "https://api.example.com/callback"}}),
              HasSubstr("{provider}"));
  EXPECT_THAT(problem_of({kRedirect,
                          {"GESSO_MICROSOFT_CLIENT_ID", "m"},
                          {"GESSO_MICROSOFT_CLIENT_SECRET", "hunter2"},
                          {"GESSO_MICROSOFT_TENANT", "contoso.onmicrosoft.com"}}),
              HasSubstr("tenant"));
  EXPECT_THAT(problem_of({{"GESSO_SMTP_TLS", "ssl"}}), HasSubstr("starttls, implicit, none"));
  EXPECT_THAT(problem_of({{"GESSO_SMTP_HOST", "mail.example.com"}}), HasSubstr("sender's address"));
  EXPECT_EQ(problem_of({{"GESSO_SMTP_HOST", "mail.example.com"},
                        {"GESSO_SMTP_FROM", "no-reply@example.com"}}),
            "");
}

TEST(Outgoing, SendsMailByTheServerThatIsSet) {
  testing::FakeClock clock;
  testing::SeededRandom random{1};
  client::SmtpServer server({});
  const auto mailer = make_mailer(settings_of({{"GESSO_SMTP_HOST", "127.0.0.1"},
                                               {"GESSO_SMTP_PORT", std::to_string(server.port())},
                                               {"GESSO_SMTP_TLS", "none"},
                                               {"GESSO_SMTP_FROM", "no-reply@example.com"}}),
                                  clock, random);
  mailer->send({.to = schema::Email("ada@example.com"), .subject = "Hello", .text = "Ada\n"});
  ASSERT_EQ(server.mails().size(), 1U);
  EXPECT_THAT(server.mails().front().data, HasSubstr("From: Gesso\r\n <no-reply@example.com>\r\n"));
  EXPECT_EQ(dynamic_cast<domain::LogMailer*>(mailer.get()), nullptr);
  const auto log = make_mailer(Settings{}, clock, random);
  EXPECT_NE(dynamic_cast<domain::LogMailer*>(log.get()), nullptr) << "without one, the log";
}

}  // namespace
}  // namespace gesso::cli
