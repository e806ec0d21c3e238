// A small SMTP server of 127.0.0.1 (RFC 5321) with STARTTLS or TLS from the first byte, PLAIN
// authentication, and refusals that a test writes down.
//
// One connection after the other. Owned by the test; thread-safe; its destructor ends and joins.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gesso/testing/test_ca.hpp"

namespace gesso::client {

class SmtpServer {
 public:
  class Impl;

  struct Options {
    std::optional<testing::Certificate> certificate = {};
    bool start_tls = true;  // offers STARTTLS, where it has a certificate
    bool implicit = false;  // TLS from the first byte
    std::string user = {};  // none: asks nobody who they are
    std::string password = {};
    // The reply to a command in place of the good one: {"RCPT", "550 5.1.1 No such user"}; the end
    // of the data is "."; "" never answers.
    std::map<std::string, std::string> replies = {};
  };
  struct Mail {
    std::string hello;
    bool tls = false;
    std::string user;
    std::string from;
    std::vector<std::string> to;
    std::string data;  // as it came, dots undone
  };

 private:
  std::unique_ptr<Impl> impl_;

 public:
  explicit SmtpServer(Options options);
  ~SmtpServer();
  SmtpServer(const SmtpServer&) = delete;
  SmtpServer& operator=(const SmtpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::vector<Mail> mails() const;
  // All command lines of all connections, in order; what came by way of AUTH too.
  [[nodiscard]] std::vector<std::string> lines() const;
  // Blocks until such a command came.
  void wait_for(const std::string& command) const;
};

}  // namespace gesso::client
