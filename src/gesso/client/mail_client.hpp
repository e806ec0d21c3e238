// A mail, and the seam between what it says and how it travels (smtp.hpp).
#pragma once

#include <string>

#include "gesso/client/call.hpp"

namespace gesso::client {

// UTF-8 throughout. The text may hold a secret, such as the link that resets a password: whoever
// sends it does not log it.
struct Mail {
  std::string to;  // an address: "ada@example.com"
  std::string subject;
  std::string text;  // lines end with "\n"
};

// Implementations are thread-safe and block.
class MailClient {
 public:
  MailClient() = default;
  MailClient(const MailClient&) = delete;
  MailClient& operator=(const MailClient&) = delete;
  virtual ~MailClient() = default;

  // Makes one attempt, and returns once the mail was taken over by somebody who answers for it.
  // Throws Error: kValidation for what cannot be a mail, kUnavailable and kTimeout where it was not
  // taken (retryable() says whether another attempt may help; one whose answer was lost may have
  // sent it), kAuth where our own credentials are refused.
  virtual void send(const Mail& mail, const Call& call) = 0;
};

}  // namespace gesso::client
