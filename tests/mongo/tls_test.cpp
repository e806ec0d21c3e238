// The service over TLS: a terminator with a certificate of its own in front of a scripted server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "gesso/testing/socket.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using bson::make_document;
using testing::Answer;
using testing::Socket;

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using TlsPtr = std::unique_ptr<SSL, Freer<SSL_free>>;
using FilePtr = std::unique_ptr<FILE, Freer<std::fclose>>;

// Self-signed, for localhost, for an hour.
CertificatePtr make_certificate(EVP_PKEY* key) {
  CertificatePtr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  for (const auto& [id, value] :
       {std::pair(NID_subject_alt_name, "DNS:localhost"), {NID_basic_constraints, "CA:TRUE"}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

class TlsTerminator {
  std::uint16_t target_;
  KeyPtr key_{EVP_EC_gen("P-256")};
  CertificatePtr certificate_ = make_certificate(key_.get());
  ContextPtr context_{SSL_CTX_new(TLS_server_method())};
  Socket listener_ = Socket::listen(0);
  struct Connection {
    Socket client;
    Socket server;
    std::jthread thread;
  };
  std::mutex mutex_;  // guards connections_
  std::list<Connection> connections_;
  std::jthread acceptor_;

  void pump(Connection& connection) {
    const TlsPtr tls(SSL_new(context_.get()));
    SSL_set_fd(tls.get(), connection.client.fd());
    if (SSL_accept(tls.get()) == 1) forward(*tls, connection);
    connection.client.shutdown();
    connection.server.shutdown();
  }

  static void forward(SSL& tls, const Connection& connection) {
    std::array<char, 16384> buffer;
    for (;;) {
      std::array<pollfd, 2> polled{
          {{connection.client.fd(), POLLIN, 0}, {connection.server.fd(), POLLIN, 0}}};
      if (SSL_pending(&tls) == 0) ::poll(polled.data(), polled.size(), -1);
      if (SSL_pending(&tls) > 0 || polled[0].revents != 0) {
        const int got = SSL_read(&tls, buffer.data(), buffer.size());
        if (got <= 0 ||
            !connection.server.write_all(buffer.data(), static_cast<std::size_t>(got))) {
          return;
        }
      }
      if (polled[1].revents != 0) {
        const ssize_t got = ::recv(connection.server.fd(), buffer.data(), buffer.size(), 0);
        if (got <= 0 || SSL_write(&tls, buffer.data(), static_cast<int>(got)) <= 0) return;
      }
    }
  }

 public:
  explicit TlsTerminator(std::uint16_t target) : target_(target) {
    SSL_CTX_use_certificate(context_.get(), certificate_.get());
    SSL_CTX_use_PrivateKey(context_.get(), key_.get());
    acceptor_ = std::jthread([this] {
      while (Socket client = listener_.accept()) {
        const std::lock_guard lock(mutex_);
        Connection& connection = connections_.emplace_back();
        connection.client = std::move(client);
        connection.server = Socket::connect(target_);
        connection.thread = std::jthread([this, &connection] { pump(connection); });
      }
    });
  }
  TlsTerminator(const TlsTerminator&) = delete;
  TlsTerminator& operator=(const TlsTerminator&) = delete;
  ~TlsTerminator() {
    listener_.shutdown();
    acceptor_.join();
    for (const Connection& one : connections_) {
      one.client.shutdown();
      one.server.shutdown();
    }
  }

  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

  void write_certificate(const std::filesystem::path& path) const {
    const FilePtr file(std::fopen(path.c_str(), "w"));
    PEM_write_X509(file.get(), certificate_.get());
  }
};

class Tls : public ::testing::Test {
 protected:
  World world;
  testing::TempDir dir;
  testing::ScriptedServer server{[](bson::View command) {
    return command.begin()->key == "find"
               ? Answer::batch("test.c", bson::make_array(make_document("_id", 1)))
               : Answer::standard();
  }};
  TlsTerminator terminator{server.port()};

  ServiceOptions options(const std::string& extra = "") {
    ServiceOptions options = short_options(
        "mongodb://localhost:" + std::to_string(terminator.port()) + "/?tls=true" + extra);
    options.server_selection_timeout = std::chrono::milliseconds{600};
    return options;
  }
};

TEST_F(Tls, ConnectsToAServerWhoseAuthorityIsInTheFileOfTheSettings) {
  terminator.write_certificate(dir / "ca.pem");
  ServiceOptions trusting = options();
  trusting.tls_ca_file = (dir / "ca.pem").string();
  Service service(std::move(trusting), world.clock, world.random);
  service.connect();
  EXPECT_TRUE(
      service.run([](Session& session) { return session.find_one("c", make_document("_id", 1)); }));
}

TEST_F(Tls, RefusesAServerThatNobodyVouchesFor) {
  Service service(options(), world.clock, world.random);
  const Error error = error_of([&] { service.connect(); });
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("TLS"));
  EXPECT_TRUE(server.commands().empty());
}

TEST_F(Tls, TrustsAnyoneOnlyWhenTheUriSaysSo) {
  Service service(options("&tlsAllowInvalidCertificates=true"), world.clock, world.random);
  EXPECT_NO_THROW(service.connect());
}

}  // namespace
}  // namespace gesso::mongo
