// Mail as the rest of the house sees it: who it is to and what it says; how it travels is another's
// matter (smtp.hpp).
#pragma once

#include <string>

#include "gesso/client/call.hpp"

namespace gesso::client {

// UTF-8 throughout. The text may hold a secret, such as the link that resets a password: it is
// never logged by whoever sends it.
struct Message {
  std::string to;  // an address: "ada@example.com"
  std::string subject;
  std::string text;  // lines end with "\n"
};

// Implementations are thread-safe and block.
class Mailer {
 public:
  Mailer() = default;
  Mailer(const Mailer&) = delete;
  Mailer& operator=(const Mailer&) = delete;
  virtual ~Mailer() = default;

  // Returns once the mail was taken over by somebody who answers for it. Throws Error: kValidation
  // for a message that cannot be one, kUnavailable and kTimeout where it was not taken (retryable()
  // says whether another attempt may help; an attempt whose answer was lost may have sent it),
  // kAuth where our own credentials are refused.
  virtual void send(const Message& message, const Call& call) = 0;
};

}  // namespace gesso::client
