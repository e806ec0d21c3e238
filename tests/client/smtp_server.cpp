#include "tests/client/smtp_server.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "gesso/base/base64.hpp"
#include "gesso/base/text.hpp"
#include "gesso/testing/socket.hpp"

namespace gesso::client {
namespace {

using testing::Socket;

// A connection in clear until `start_tls`.
class Stream {
  const Socket& socket_;
  std::unique_ptr<SSL, void (*)(SSL*)> tls_{nullptr, &SSL_free};
  std::string buffer_;

 public:
  explicit Stream(const Socket& socket) : socket_(socket) {}

  bool start_tls(SSL_CTX* context) {
    tls_.reset(SSL_new(context));
    SSL_set_fd(tls_.get(), socket_.fd());
    ERR_clear_error();
    return SSL_accept(tls_.get()) == 1;
  }
  [[nodiscard]] bool encrypted() const { return tls_ != nullptr; }

  std::optional<std::string> line() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
      char bytes[4096];
      ERR_clear_error();
      const auto got = tls_ ? SSL_read(tls_.get(), bytes, sizeof bytes)
                            : static_cast<int>(::recv(socket_.fd(), bytes, sizeof bytes, 0));
      if (got <= 0) return std::nullopt;
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
    std::string text = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return text;
  }
  bool say(const std::string& reply) {
    const std::string bytes = reply + "\r\n";
    ERR_clear_error();
    return tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0
                : socket_.write_all(bytes.data(), bytes.size());
  }
};

}  // namespace

class SmtpServer::Impl {
  const Options options_;
  std::shared_ptr<SSL_CTX> context_;
  const Socket listener_ = Socket::listen(0);
  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable changed_;
  bool stopping_ = false;
  const Socket* open_ = nullptr;
  std::vector<Mail> mails_;
  std::vector<std::string> lines_;
  std::thread thread_;  // last: it uses all of the above

  std::optional<std::string> heard(Stream& stream) {
    auto line = stream.line();
    const std::lock_guard lock(mutex_);
    if (line) lines_.push_back(*line);
    changed_.notify_all();
    return line;
  }

  // What is said to a command; false where the connection ends.
  bool answer(Stream& stream, const std::string& command, const std::string& good) {
    const auto found = options_.replies.find(command);
    const std::string& reply = found == options_.replies.end() ? good : found->second;
    if (reply.empty()) return stream.line().has_value();  // hangs until the client goes
    return stream.say(reply);
  }
  [[nodiscard]] bool refuses(const std::string& command) const {
    return options_.replies.contains(command);
  }

  bool read_data(Stream& stream, Mail& mail) {
    while (auto line = stream.line()) {
      if (*line == ".") return true;
      mail.data += (line->starts_with('.') ? line->substr(1) : *line) + "\r\n";
    }
    return false;
  }

  void serve(const Socket& socket) {
    Stream stream(socket);
    if (options_.implicit && !stream.start_tls(context_.get())) return;
    if (!answer(stream, "greeting", "220 stand-in ESMTP")) return;
    Mail mail;
    while (const auto line = heard(stream)) {
      const std::string command = line->substr(0, line->find(' '));
      if (command == "EHLO") {
        mail.hello = line->substr(5);
        std::string features = "250-stand-in\r\n";
        if (context_ && options_.start_tls && !stream.encrypted()) features += "250-STARTTLS\r\n";
        if (!options_.user.empty()) features += "250-AUTH PLAIN\r\n";
        if (!answer(stream, command, features + "250 8BITMIME")) return;
      } else if (command == "STARTTLS") {
        if (!answer(stream, command, "220 Go ahead")) return;
        if (!refuses(command) && !stream.start_tls(context_.get())) return;
      } else if (command == "AUTH") {
        if (!stream.say("334 ")) return;  // libcurl waits to be asked
        const auto asked = stream.line();
        if (!asked) return;
        const auto said = base64_decode(*asked).value_or("");
        std::string expected(1, '\0');
        expected += options_.user;
        expected += '\0';
        expected += options_.password;
        const bool good = said == expected;
        if (good) mail.user = options_.user;
        if (!answer(stream, command, good ? "235 Welcome" : "535 5.7.8 Bad credentials")) return;
      } else if (command == "MAIL") {
        mail.from = line->substr(line->find('<'));
        mail.to.clear();
        if (!answer(stream, command, "250 OK")) return;
      } else if (command == "RCPT") {
        mail.to.push_back(line->substr(line->find('<')));
        if (!answer(stream, command, "250 OK")) return;
      } else if (command == "DATA") {
        if (!answer(stream, command, "354 Go on")) return;
        if (refuses(command)) continue;
        if (!read_data(stream, mail)) return;
        mail.tls = stream.encrypted();
        if (!refuses(".")) {
          const std::lock_guard lock(mutex_);
          mails_.push_back(mail);
        }
        mail.data.clear();
        if (!answer(stream, ".", "250 Taken")) return;
      } else if (command == "QUIT") {
        answer(stream, command, "221 Bye");
        return;
      } else if (!stream.say("502 Not here")) {
        return;
      }
    }
  }

  void run() {
    sigset_t signals;  // OpenSSL writes without MSG_NOSIGNAL
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    while (Socket socket = listener_.accept()) {
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        open_ = &socket;
      }
      serve(socket);
      const std::lock_guard lock(mutex_);
      open_ = nullptr;
    }
  }

 public:
  explicit Impl(Options options) : options_(std::move(options)) {
    if (options_.certificate) {
      context_.reset(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
      SSL_CTX_use_certificate(context_.get(), options_.certificate->certificate.get());
      SSL_CTX_use_PrivateKey(context_.get(), options_.certificate->key.get());
    }
    thread_ = std::thread([this] { run(); });
  }
  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      if (open_ != nullptr) open_->shutdown();
    }
    listener_.shutdown();
    thread_.join();
  }

  std::uint16_t port() const { return listener_.port(); }
  std::vector<Mail> mails() const {
    const std::lock_guard lock(mutex_);
    return mails_;
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  void wait_for(const std::string& command) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return std::ranges::any_of(
          lines_, [&](const std::string& line) { return line.starts_with(command); });
    });
  }
};

SmtpServer::SmtpServer(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
SmtpServer::~SmtpServer() = default;
std::uint16_t SmtpServer::port() const { return impl_->port(); }
std::vector<SmtpServer::Mail> SmtpServer::mails() const { return impl_->mails(); }
std::vector<std::string> SmtpServer::lines() const { return impl_->lines(); }
void SmtpServer::wait_for(const std::string& command) const { impl_->wait_for(command); }

}  // namespace gesso::client
