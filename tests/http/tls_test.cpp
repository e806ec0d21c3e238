#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <future>
#include <optional>
#include <thread>

#include "gesso/base/error.hpp"
#include "gesso/http/body_stream.hpp"
#include "gesso/http/server.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "gesso/testing/test_ca.hpp"
#include "tests/http/tls_client.hpp"

namespace gesso::http {
namespace {

using namespace std::chrono_literals;
using gesso::testing::Certificate;
using testing::RawClient;
using testing::RawResponse;
using testing::request;
using testing::TlsClient;

class TlsTest : public ::testing::Test {
 protected:
  gesso::testing::TestCa authority;
  gesso::testing::TempDir folder;
  std::promise<BodyWriter> fed;
  std::promise<std::pair<Request, Responder>> waiting;
  std::optional<Server> server;

  // OpenSSL writes without MSG_NOSIGNAL, in the client here.
  static void SetUpTestSuite() { std::signal(SIGPIPE, SIG_IGN); }

  // As an operator should: beside, and then in place of the old one.
  void put(const char* name, const std::string& text) const {
    const std::filesystem::path fresh = folder / (std::string(name) + ".new");
    std::ofstream(fresh) << text;
    std::filesystem::rename(fresh, folder / name);
  }
  void put_certificate(const Certificate& certificate) const {
    put("cert.pem", certificate.certificate_pem());
    put("key.pem", certificate.key_pem());
  }
  [[nodiscard]] ServerOptions options() const {
    return {.port = 0,
            .tls_certificate_file = (folder / "cert.pem").string(),
            .tls_key_file = (folder / "key.pem").string(),
            .tls_poll_interval = 10ms};
  }
  void start(ServerOptions chosen) {
    server.emplace(std::move(chosen), [this](Request asked, Responder respond) {
      if (asked.path == "/later") {
        waiting.set_value({std::move(asked), std::move(respond)});
      } else if (asked.path == "/stream") {
        BodyStream stream = make_body_stream();
        respond({.content_type = "text/plain", .stream = std::move(stream.source)});
        fed.set_value(std::move(stream.writer));
      } else if (asked.path == "/large") {
        respond({.content_type = "text/plain", .body = std::string(3'000'000, 'x')});
      } else {
        respond(
            {.body = asked.body + (asked.is_https ? " https " : " http ") + asked.client_address});
      }
    });
    server->start();
  }
  void start() {
    put_certificate(authority.issue({"localhost"}));
    start(options());
  }
  TlsClient connect(const testing::TlsClientOptions& chosen = {}) {
    return {server->port(), authority.file(), chosen};
  }
};

TEST_F(TlsTest, AnswersAndKeepsTheConnection) {
  start();
  TlsClient client = connect();
  EXPECT_EQ(client.version(), "TLSv1.3");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.exchange(request("POST", "/", "", "hello")).body, "hello https 127.0.0.1");
  }
  EXPECT_EQ(client.exchange(request("GET", "/large")).body.size(), 3'000'000u);
  const std::string megabyte(1'000'000, 'y');
  EXPECT_THAT(client.exchange(request("POST", "/", "", megabyte)).body,
              ::testing::StartsWith(megabyte));
}

TEST_F(TlsTest, SpeaksTls12AndNothingOlder) {
  start();
  EXPECT_EQ(connect({.max_version = TLS1_2_VERSION}).version(), "TLSv1.2");
  EXPECT_THROW(connect({.max_version = TLS1_1_VERSION}), std::runtime_error);
}

TEST_F(TlsTest, AgreesOnHttp11AndNothingElse) {
  start();
  EXPECT_EQ(connect({.alpn = "\x02h2\x08http/1.1"}).protocol(), "http/1.1");
  EXPECT_EQ(connect().protocol(), "");
  EXPECT_THROW(connect({.alpn = "\x02h2"}), std::runtime_error);
}

TEST_F(TlsTest, TellsTheEndFromACut) {
  start();
  TlsClient client = connect();
  EXPECT_EQ(client.exchange(request("GET", "/", "Connection: close\r\n")).status, 200);
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(client.ended_by_word());

  TlsClient old = connect();
  old.send("GET /stream HTTP/1.0\r\n\r\n");
  old.read_head();
  {
    const BodyWriter writer = fed.get_future().get();
    writer.write("whole");
    writer.finish();
  }
  EXPECT_EQ(old.read_rest(), "whole");
  EXPECT_TRUE(old.ended_by_word());

  fed = {};
  TlsClient cut = connect();
  cut.send("GET /stream HTTP/1.0\r\n\r\n");
  cut.read_head();
  fed.get_future().get().write("a part");
  EXPECT_EQ(cut.read_rest().find("whole"), std::string::npos);
  EXPECT_FALSE(cut.ended_by_word());
}

TEST_F(TlsTest, StreamsAndNoticesAClientThatGoes) {
  start();
  std::optional<TlsClient> client(std::in_place, server->port(), authority.file());
  client->send(request("GET", "/stream"));
  EXPECT_EQ(client->read_head().header("transfer-encoding"), "chunked");
  const BodyWriter writer = fed.get_future().get();
  writer.write("one");
  EXPECT_EQ(client->read_chunk(), "one");
  writer.write("two");
  EXPECT_EQ(client->read_chunk(), "two");
  std::promise<void> closed;
  const std::stop_callback callback(writer.closed(), [&] { closed.set_value(); });
  client.reset();
  EXPECT_EQ(closed.get_future().wait_for(20s), std::future_status::ready);

  std::optional<TlsClient> other(std::in_place, server->port(), authority.file());
  other->send(request("GET", "/later"));
  const auto [asked, respond] = waiting.get_future().get();
  std::promise<void> gone;
  const std::stop_callback when_gone(asked.client_gone, [&] { gone.set_value(); });
  other.reset();
  EXPECT_EQ(gone.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(TlsTest, RefusesAndLingersAsOverPlainConnections) {
  start();
  TlsClient client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
  EXPECT_EQ(client.read().status, 413);
  EXPECT_TRUE(client.closed());
  TlsClient garbage = connect();
  EXPECT_EQ(garbage.exchange("hello\r\n\r\n").status, 400);
  EXPECT_TRUE(garbage.closed());
}

TEST_F(TlsTest, LetsAClientReadTheRefusalWhileItStillSends) {
  start();
  TlsClient client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
  client.send(std::string(1'000'000, 'x'));
  EXPECT_EQ(client.read().status, 413);
}

TEST_F(TlsTest, ClosesClientsThatDoNotSpeakTls) {
  put_certificate(authority.issue({"localhost"}));
  ServerOptions chosen = options();
  chosen.header_timeout = 60ms;
  start(std::move(chosen));
  RawClient plain(server->port());
  plain.send(request("GET", "/"));
  EXPECT_THAT(plain.read_rest(), ::testing::Not(::testing::HasSubstr("HTTP/1.1")));
  RawClient silent(server->port());
  EXPECT_EQ(silent.read_rest(), "");
}

TEST_F(TlsTest, TakesANewCertificateWithoutARestart) {
  start();
  TlsClient old = connect();
  put_certificate(authority.issue({"localhost"}));
  const std::string before = old.serial();
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (connect().serial() == before) ASSERT_LT(std::chrono::steady_clock::now(), end);
  EXPECT_EQ(old.exchange(request("GET", "/")).status, 200);  // on the old one
}

TEST_F(TlsTest, KeepsItsCertificateWhereTheNewOneIsBroken) {
  start();
  const std::string before = connect().serial();
  const Certificate fresh = authority.issue({"localhost"});
  put("cert.pem", fresh.certificate_pem());  // its key is still to come
  for (int i = 0; i < 20; ++i) EXPECT_EQ(connect().serial(), before);
  put("cert.pem", "no certificate");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(connect().serial(), before);
  std::filesystem::remove(folder / "cert.pem");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(connect().serial(), before);
  put_certificate(fresh);
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (connect().serial() == before) ASSERT_LT(std::chrono::steady_clock::now(), end);
}

TEST_F(TlsTest, LogsABrokenCertificateOnce) {
  const auto log = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(1000);
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", log));
  const auto lines = [&](std::string_view text) {
    const auto all = log->last_formatted();
    return std::ranges::count_if(
        all, [&](const std::string& line) { return line.find(text) != std::string::npos; });
  };
  start();
  const std::string serial = connect().serial();
  put("cert.pem", "no certificate");
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (lines("cannot be used") == 0 && std::chrono::steady_clock::now() < end) {
    EXPECT_EQ(connect().serial(), serial);
  }
  for (int i = 0; i < 50; ++i) connect();  // it is tried again meanwhile
  put_certificate(authority.issue({"localhost"}));
  while (lines("took the new") == 0 && std::chrono::steady_clock::now() < end) connect();
  server.reset();
  spdlog::set_default_logger(before);
  // One for the text; one more if it looked between the certificate and its key.
  EXPECT_GE(lines("cannot be used"), 1);
  EXPECT_LE(lines("cannot be used"), 2);
  EXPECT_EQ(lines("took the new"), 1);
}

TEST_F(TlsTest, SaysWhyItCannotStart) {
  try {
    start(options());
    FAIL() << "served without a certificate";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("cert.pem"));
  }
  const Certificate one = authority.issue({"localhost"});
  put("cert.pem", one.certificate_pem());
  put("key.pem", authority.issue({"localhost"}).key_pem());
  EXPECT_THROW(start(options()), Error);
}

TEST_F(TlsTest, DrainsAndStops) {
  start();
  TlsClient idle = connect();
  EXPECT_EQ(idle.exchange(request("GET", "/")).status, 200);
  TlsClient busy = connect();
  busy.send(request("GET", "/later"));
  const auto [asked, respond] = waiting.get_future().get();
  std::thread stopping([this] { server->stop(20s); });
  EXPECT_TRUE(idle.closed());
  respond({.body = "done"});
  EXPECT_EQ(busy.read().body, "done");
  EXPECT_TRUE(busy.closed());
  stopping.join();
}

}  // namespace
}  // namespace gesso::http
