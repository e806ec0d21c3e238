// TCP connections by TLS: who gets one, what goes over it, and who is cut.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <chrono>
#include <fstream>
#include <iterator>

#include "gesso/base/error.hpp"
#include "gesso/base/private_file.hpp"
#include "gesso/testing/test_ca.hpp"
#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int connect_tcp(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot connect");
  }
  return socket;
}

// A client by TLS that checks the server's certificate for "localhost".
class TlsClient {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  int socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> session_;
  bool open_ = false;
  long verified_ = X509_V_ERR_UNSPECIFIED;

 public:
  TlsClient(std::uint16_t port, const std::string& ca_file, int newest = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free),
        socket_(connect_tcp(port)),
        session_(nullptr, &SSL_free) {
    SSL_CTX_set_max_proto_version(context_.get(), newest);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_security_level(context_.get(), 0);  // for what is old
    SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
    SSL_CTX_load_verify_locations(context_.get(), ca_file.c_str(), nullptr);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    session_.reset(SSL_new(context_.get()));
    SSL_set1_host(session_.get(), "localhost");
    SSL_set_fd(session_.get(), socket_);
    open_ = SSL_connect(session_.get()) == 1;
    verified_ = SSL_get_verify_result(session_.get());
    ERR_clear_error();
  }
  ~TlsClient() {
    session_.reset();
    ::close(socket_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] long verified() const { return verified_; }
  [[nodiscard]] int version() const { return SSL_version(session_.get()); }

  // Writes the bytes in records of so many.
  void write(std::span<const std::uint8_t> bytes, std::size_t record) {
    while (!bytes.empty()) {
      const std::size_t size = std::min(record, bytes.size());
      ASSERT_EQ(SSL_write(session_.get(), bytes.data(), static_cast<int>(size)),
                static_cast<int>(size));
      bytes = bytes.subspan(size);
    }
  }
  // The reply's document.
  bson::Document read() {
    std::vector<std::uint8_t> bytes(16);
    fill(bytes, 0);
    std::uint32_t length = 0;
    std::memcpy(&length, bytes.data(), 4);
    bytes.resize(length);
    fill(bytes, 16);
    return bson::Document(bson::View(bytes.data() + 21));
  }
  // What the end looks like: SSL_ERROR_ZERO_RETURN where the server said so.
  int end() {
    char byte = 0;
    const int got = SSL_read(session_.get(), &byte, 1);
    const int state = SSL_get_error(session_.get(), got);
    ERR_clear_error();
    return state;
  }

 private:
  void fill(std::vector<std::uint8_t>& bytes, std::size_t at) {
    while (at < bytes.size()) {
      const int got =
          SSL_read(session_.get(), bytes.data() + at, static_cast<int>(bytes.size() - at));
      if (got <= 0) throw std::runtime_error("the connection ended");
      at += static_cast<std::size_t>(got);
    }
  }
};

class TlsTest : public ServerTest {
 protected:
  LocalCertificate certificate_ = make_local_certificate(folder_ / "data");

  void start_tls(ServerOptions options = {}) {
    options.listen_host = "localhost";
    options.listen_port = 0;
    options.tls_certificate_file = certificate_.certificate_file;
    options.tls_key_file = certificate_.key_file;
    start(std::move(options));
  }
  std::vector<std::uint8_t> message(const std::string& command) {
    bson::Builder body;
    body.append_all(bson::from_json(command));
    body.append("$db", "test");
    return client().message(body.finish());
  }
  // How long until the server cuts a connection on which `send` is called all the time.
  template <class Send>
  std::chrono::milliseconds until_cut(Send send) {
    const int socket = connect_tcp(server_->port());
    const timeval period{.tv_sec = 0, .tv_usec = 20'000};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &period, sizeof period);
    const auto begun = Clock::now();
    char byte = 0;
    for (;;) {
      send(socket);
      const ssize_t got = ::recv(socket, &byte, 1, 0);
      if (got == 0 || (got < 0 && errno != EAGAIN)) break;
      if (Clock::now() - begun > 20s) break;
    }
    ::close(socket);
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
  }
};

TEST_F(TlsTest, ServesWhoTrustsTheAuthorityInTheDataFolder) {
  start_tls();
  TlsClient client(server_->port(), certificate_.ca_file);
  ASSERT_TRUE(client.is_open());
  EXPECT_EQ(client.verified(), X509_V_OK);
  EXPECT_EQ(client.version(), TLS1_3_VERSION);
  client.write(message(R"({"ping": 1})"), 1 << 14);
  EXPECT_TRUE(is_ok(client.read()));
}

TEST_F(TlsTest, IsNotTrustedByWhoTrustsAnother) {
  start_tls();
  const gesso::testing::TestCa other;
  TlsClient client(server_->port(), other.file());
  EXPECT_FALSE(client.is_open());
  EXPECT_NE(client.verified(), X509_V_OK);
}

TEST_F(TlsTest, TakesTls12AndNothingOlder) {
  start_tls();
  EXPECT_TRUE(TlsClient(server_->port(), certificate_.ca_file, TLS1_2_VERSION).is_open());
  EXPECT_FALSE(TlsClient(server_->port(), certificate_.ca_file, TLS1_1_VERSION).is_open());
}

TEST_F(TlsTest, TheUnixSocketStaysPlain) {
  start_tls();
  EXPECT_TRUE(is_ok(client().run(R"({"ping": 1})")));
}

TEST_F(TlsTest, TakesAMessageInRecordsOfAByteAndInLargeOnes) {
  start_tls();
  TlsClient client(server_->port(), certificate_.ca_file);
  client.write(message(R"({"insert": "c", "documents": [{"_id": 1, "a": "x"}]})"), 1);
  EXPECT_EQ(client.read()["n"].integer(), 1);
  const std::string large(15 << 20, 'y');
  client.write(message(R"({"insert": "c", "documents": [{"_id": 2, "a": ")" + large + R"("}]})"),
               1 << 14);
  EXPECT_EQ(client.read()["n"].integer(), 1);
  client.write(message(R"({"find": "c", "filter": {"_id": 2}})"), 100);
  const bson::Document reply = client.read();
  EXPECT_EQ(reply.view().at_path("cursor.firstBatch.0.a").as_string(), large);
}

TEST_F(TlsTest, TwoMessagesInOneRecordAreTwo) {
  start_tls();
  TlsClient client(server_->port(), certificate_.ca_file);
  std::vector<std::uint8_t> both = message(R"({"ping": 1})");
  const std::vector<std::uint8_t> second = message(R"({"nonsense": 1})");
  both.insert(both.end(), second.begin(), second.end());
  client.write(both, both.size());
  EXPECT_TRUE(is_ok(client.read()));
  EXPECT_EQ(code_of(client.read()), 59);
}

TEST_F(TlsTest, SaysThatItEnds) {
  start_tls();
  TlsClient client(server_->port(), certificate_.ca_file);
  client.write(message(R"({"ping": 1})"), 100);
  (void)client.read();
  server_->stop();
  EXPECT_EQ(client.end(), SSL_ERROR_ZERO_RETURN);
}

TEST_F(TlsTest, CutsWhoDoesNotShakeHands) {
  start_tls({.patience = 300ms});
  EXPECT_LT(until_cut([](int) {}), 5s);
  // Neither does a byte now and then help: a record's head that announces more.
  std::string head = "\x16\x03\x01\x02\x00";
  std::size_t at = 0;
  EXPECT_LT(until_cut([&](int socket) {
              const char byte = at < head.size() ? head[at++] : '\x01';
              (void)::send(socket, &byte, 1, MSG_NOSIGNAL);
            }),
            5s);
  EXPECT_TRUE(TlsClient(server_->port(), certificate_.ca_file).is_open());
}

TEST_F(TlsTest, EndsWhileSomebodyDoesNotShakeHands) {
  start_tls({.patience = 60s});
  const int socket = connect_tcp(server_->port());
  // It is being served once a second one has been.
  EXPECT_TRUE(TlsClient(server_->port(), certificate_.ca_file).is_open());
  const auto begun = Clock::now();
  server_->stop();
  EXPECT_LT(Clock::now() - begun, 10s);
  ::close(socket);
}

TEST_F(TlsTest, ClosesWhatIsNoTls) {
  start_tls();
  const std::vector<std::uint8_t> plain = message(R"({"ping": 1})");
  bool sent = false;
  EXPECT_LT(until_cut([&](int socket) {
              if (!std::exchange(sent, true)) {
                (void)::send(socket, plain.data(), plain.size(), MSG_NOSIGNAL);
              }
            }),
            10s);
}

TEST_F(TlsTest, SaysWhichCertificateCannotBeServed) {
  certificate_.key_file = certificate_.ca_file;
  try {
    start_tls();
    FAIL() << "it started";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
    EXPECT_NE(std::string(error.what()).find(certificate_.certificate_file), std::string::npos);
  }
}

class LocalCertificateTest : public TlsTest {};

TEST_F(LocalCertificateTest, TheKeyIsItsOwnersAlone) {
  const auto mode = std::filesystem::status(certificate_.key_file).permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(LocalCertificateTest, StaysAsLongAsItServes) {
  const std::string before = text_of(certificate_.ca_file);
  (void)make_local_certificate(folder_ / "data");
  EXPECT_EQ(text_of(certificate_.ca_file), before);
  (void)make_local_certificate(folder_ / "data", {"database", "10.1.2.3"});
  const std::string with_name = text_of(certificate_.ca_file);
  EXPECT_NE(with_name, before);
  (void)make_local_certificate(folder_ / "data", {"database"});
  EXPECT_EQ(text_of(certificate_.ca_file), with_name);
}

TEST_F(LocalCertificateTest, IsMadeAnewBeforeItEnds) {
  const gesso::testing::TestCa ca;
  const Certificate ending = ca.issue({"localhost", "127.0.0.1", "::1"});  // of ten days
  replace_file(certificate_.certificate_file, ending.certificate_pem(), Readers::kEverybody);
  replace_file(certificate_.key_file, ending.key_pem());
  (void)make_local_certificate(folder_ / "data");
  EXPECT_NE(text_of(certificate_.certificate_file), ending.certificate_pem());
  start_tls();
  EXPECT_TRUE(TlsClient(server_->port(), certificate_.ca_file).is_open());
}

}  // namespace
}  // namespace gesso::localdb
