// Sends mail by what client/ has for it: SMTP (client/smtp.hpp).
//
// Borrows the client, which must outlive it. Blocks for at most `timeout` a mail.
#pragma once

#include <chrono>

#include "gesso/client/mail_client.hpp"
#include "gesso/domain/mailer.hpp"

namespace gesso::domain {

class ClientMailer final : public Mailer {
  client::MailClient& client_;
  std::chrono::milliseconds timeout_;

 public:
  explicit ClientMailer(client::MailClient& client,
                        std::chrono::milliseconds timeout = std::chrono::seconds{30})
      : client_(client), timeout_(timeout) {}

  void send(const Message& message) override {
    client_.send({.to = message.to.str(), .subject = message.subject, .text = message.text},
                 {.deadline = Deadline::after(timeout_)});
  }
};

}  // namespace gesso::domain
