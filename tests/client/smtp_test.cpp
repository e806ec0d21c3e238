#include "gesso/client/smtp.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "gesso/testing/test_ca.hpp"
#include "tests/client/smtp_server.hpp"
#include "tests/client/support.hpp"

namespace gesso::client {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kHost = "mail.example.com";

struct Smtp : ::testing::Test {
  testing::TestCa ca;
  testing::FakeClock clock;
  testing::SeededRandom random{1};

  SmtpServer::Options with_tls() const { return {.certificate = ca.issue({kHost})}; }
  SmtpOptions options_for(const SmtpServer& server, SmtpTls tls = SmtpTls::kStartTls) const {
    SmtpOptions options{.host = kHost, .port = 587, .tls = tls, .from = "no-reply@example.com"};
    options.from_name = "Gesso";
    options.hello = "gesso.example.com";
    options.ca_file = ca.file();
    options.connect_to = std::string(kHost) + ":587:127.0.0.1:" + std::to_string(server.port());
    return options;
  }
  void send(SmtpOptions options, const Call& call = {.deadline = Deadline::after(20s)},
            const Mail& mail = {"ada@example.com", "Verify", "one\n.two\n"}) {
    make_smtp_client(std::move(options), clock, random)->send(mail, call);
  }
  Error failure(SmtpOptions options, const Call& call = {.deadline = Deadline::after(20s)}) {
    return error_of([&] { send(std::move(options), call); });
  }
};

TEST_F(Smtp, SendsAMailAfterStartTls) {
  SmtpServer server(with_tls());
  send(options_for(server));
  ASSERT_THAT(server.mails(), SizeIs(1));
  const auto mail = server.mails().front();
  EXPECT_TRUE(mail.tls);
  EXPECT_EQ(mail.hello, "gesso.example.com");
  EXPECT_THAT(mail.from, HasSubstr("<no-reply@example.com>"));
  EXPECT_THAT(mail.to, ElementsAre("<ada@example.com>"));
  EXPECT_THAT(mail.data,
              AllOf(HasSubstr("\r\nSubject: Verify\r\n"), HasSubstr("\r\n\r\none\r\n.two\r\n")))
      << "a line that begins with a dot comes through";
}

TEST_F(Smtp, SaysGoodbyeButDoesNotWaitForTheAnswer) {
  for (const bool encrypted : {true, false}) {
    auto with = encrypted ? with_tls() : SmtpServer::Options{};
    with.replies = {{"QUIT", ""}};  // libcurl by itself would wait two minutes
    SmtpServer server(with);
    send(options_for(server, encrypted ? SmtpTls::kStartTls : SmtpTls::kNone));
    server.wait_for("QUIT");
  }
  auto with = with_tls();
  with.replies = {{"QUIT", ""}, {"RCPT", "550 5.1.1 No such user"}};
  SmtpServer server(with);
  auto options = options_for(server);
  options.timeout = 1s;
  EXPECT_EQ(failure(std::move(options)).kind(), ErrorKind::kUnavailable);
}

TEST_F(Smtp, SendsAMailOverTlsFromTheFirstByte) {
  auto with = with_tls();
  with.implicit = true;
  SmtpServer server(with);
  send(options_for(server, SmtpTls::kImplicit));
  ASSERT_THAT(server.mails(), SizeIs(1));
  EXPECT_TRUE(server.mails().front().tls);
}

TEST_F(Smtp, SaysWhoWeAreUnderTlsAlone) {
  auto with = with_tls();
  with.user = "gesso";
  with.password = "hunter2";
  SmtpServer server(with);
  auto options = options_for(server);
  options.user = "gesso";
  options.password = Secret(std::string_view("hunter2"));
  send(std::move(options));
  ASSERT_THAT(server.mails(), SizeIs(1));
  EXPECT_EQ(server.mails().front().user, "gesso");

  auto wrong = options_for(server);
  wrong.user = "gesso";
  wrong.password = Secret(std::string_view("hunter3"));
  const Error error = failure(std::move(wrong));
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.what(), Not(HasSubstr("hunter")));
}

TEST_F(Smtp, SendsNothingWhereStartTlsIsNotOffered) {
  auto with = with_tls();
  with.start_tls = false;
  SmtpServer server(with);
  const Error error = failure(options_for(server));
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.what(), HasSubstr("STARTTLS"));
  EXPECT_THAT(server.lines(), Not(::testing::Contains(HasSubstr("MAIL"))));
}

TEST_F(Smtp, SendsNothingToAServerThatItDoesNotTrust) {
  SmtpServer server({.certificate = testing::self_signed({kHost})});
  const Error error = failure(options_for(server));
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.what(), HasSubstr("its certificate is not trusted"));
  EXPECT_THAT(server.mails(), SizeIs(0));

  SmtpServer other({.certificate = ca.issue({"mail.evil.com"})});
  EXPECT_THAT(failure(options_for(other)).what(), HasSubstr("its certificate is not trusted"));
}

TEST_F(Smtp, SaysWhetherARefusalPasses) {
  for (const auto& [command, reply, passes] :
       {std::tuple{"RCPT", "550 5.1.1 No such user", false},
        std::tuple{"RCPT", "451 4.7.1 Greylisted", true},
        std::tuple{"MAIL", "421 4.3.2 Too busy", true}, std::tuple{".", "554 5.7.1 Spam", false},
        std::tuple{"DATA", "452 4.3.1 No room", true}}) {
    auto with = with_tls();
    with.replies = {{command, reply}};
    SmtpServer server(with);
    const Error error = failure(options_for(server));
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable) << reply;
    EXPECT_EQ(error.retryable(), passes) << reply << ": " << error.what();
    EXPECT_THAT(server.mails(), SizeIs(0));
  }
}

TEST_F(Smtp, EndsWithItsTimeItsDeadlineAndAStop) {
  for (const char* command : {"greeting", "EHLO", "."}) {
    auto with = with_tls();
    with.replies = {{command, ""}};
    SmtpServer server(with);
    auto options = options_for(server);
    options.timeout = 100ms;
    EXPECT_EQ(failure(std::move(options)).kind(), ErrorKind::kTimeout) << command;
  }
  auto with = with_tls();
  with.replies = {{"EHLO", ""}};
  SmtpServer server(with);
  EXPECT_EQ(failure(options_for(server), {.deadline = Deadline::after(50ms)}).kind(),
            ErrorKind::kTimeout);

  SmtpServer another(with);
  std::stop_source stop;
  std::optional<Error> error;
  std::thread caller([&] { error = failure(options_for(another), {.stop = stop.get_token()}); });
  another.wait_for("EHLO");
  stop.request_stop();
  caller.join();
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), HasSubstr("stopped while sending mail"));
}

TEST_F(Smtp, AServerThatIsNotThereMayBeLater) {
  std::uint16_t port = 0;
  {
    const SmtpServer gone({});
    port = gone.port();
  }
  SmtpOptions options{
      .host = "127.0.0.1", .port = port, .tls = SmtpTls::kNone, .from = "no-reply@example.com"};
  const Error error = failure(std::move(options));
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_TRUE(error.retryable());
}

TEST_F(Smtp, SendsInClearToARelayWhereItIsTold) {
  SmtpServer server({});
  send(options_for(server, SmtpTls::kNone));
  ASSERT_THAT(server.mails(), SizeIs(1));
  EXPECT_FALSE(server.mails().front().tls);
}

TEST_F(Smtp, RefusesAnInjectionBeforeItTalksToAnybody) {
  SmtpServer server(with_tls());
  const Error error = error_of([&] {
    send(options_for(server), {}, {"ada@example.com", "Hi\r\nBcc: all@example.com", "text"});
  });
  EXPECT_EQ(error.kind(), ErrorKind::kValidation);
  EXPECT_THAT(server.lines(), SizeIs(0));
}

TEST_F(Smtp, RefusesSettingsThatCannotBe) {
  const auto refused = [&](auto change) {
    SmtpOptions options{.host = kHost, .from = "no-reply@example.com"};
    change(options);
    return error_of([&] { (void)make_smtp_client(std::move(options), clock, random); }).kind();
  };
  EXPECT_EQ(refused([](auto& o) { o.host = "a b"; }), ErrorKind::kValidation);
  EXPECT_EQ(refused([](auto& o) { o.host = "host/path"; }), ErrorKind::kValidation);
  EXPECT_EQ(refused([](auto& o) { o.host = ""; }), ErrorKind::kValidation);
  EXPECT_EQ(refused([](auto& o) { o.port = 0; }), ErrorKind::kValidation);
  EXPECT_EQ(refused([](auto& o) { o.from = "Gesso"; }), ErrorKind::kValidation);
  EXPECT_EQ(refused([](auto& o) { o.hello = "a\r\nMAIL"; }), ErrorKind::kValidation);
  EXPECT_EQ(refused([](auto& o) { o.ca_file = "/nowhere/ca.pem"; }), ErrorKind::kValidation);
  EXPECT_EQ(refused([](auto& o) {
              o.tls = SmtpTls::kNone;
              o.user = "gesso";
            }),
            ErrorKind::kValidation)
      << "a password in clear";
}

}  // namespace
}  // namespace gesso::client
