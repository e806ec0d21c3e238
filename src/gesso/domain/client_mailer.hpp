// Sends mail by what client/ has for it: SMTP (client/smtp.hpp).
//
// Owns the client. Blocks for at most `timeout` a mail.
#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include "gesso/client/mail_client.hpp"
#include "gesso/domain/mailer.hpp"

namespace gesso::domain {

class ClientMailer final : public Mailer {
  std::unique_ptr<client::MailClient> client_;
  std::chrono::milliseconds timeout_;

 public:
  explicit ClientMailer(std::unique_ptr<client::MailClient> client,
                        std::chrono::milliseconds timeout = std::chrono::seconds{30})
      : client_(std::move(client)), timeout_(timeout) {}

  void send(const Message& message) override {
    client_->send({.to = message.to.str(), .subject = message.subject, .text = message.text},
                  {.deadline = Deadline::after(timeout_)});
  }
};

}  // namespace gesso::domain
