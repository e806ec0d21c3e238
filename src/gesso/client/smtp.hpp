// Mail over SMTP (RFC 5321) by libcurl. Each message has a connection of its own: mails are rare.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/client/mail_client.hpp"

namespace gesso::client {

// How the way to the server is kept from others' eyes.
enum class SmtpTls {
  kStartTls,  // in clear until STARTTLS, which must succeed: the port of submission, 587
  kImplicit,  // TLS from the first byte: smtps, 465 (RFC 8314)
  kNone,      // in clear: a relay on this machine. Refused with a password for any other host
};

struct SmtpOptions {
  std::string host;
  int port = 587;
  SmtpTls tls = SmtpTls::kStartTls;
  std::string user = {};  // none: no authentication
  Secret password = {};
  std::string from;            // an address
  std::string from_name = {};  // "Gesso"
  // What we say our name is (EHLO); empty: this machine's name.
  std::string hello = {};
  // Authorities as in CurlOptions; certificates are checked against `host`.
  std::string ca_file = {};
  // HOST:PORT:ADDRESS:PORT, as in CurlOptions.
  std::string connect_to = {};
  // The limit of one message, besides the call's own deadline.
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds connect_timeout{10'000};
};

// Talks to nobody yet. `clock` and `random` are borrowed and must outlive the result. Throws Error
// kValidation for settings that cannot be.
[[nodiscard]] std::unique_ptr<MailClient> make_smtp_client(SmtpOptions options, const Clock& clock,
                                                           Random& random);

}  // namespace gesso::client
