// A mailer that keeps what is sent, for tests. Owned by the test; thread-safe.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gesso/domain/mailer.hpp"

namespace gesso::domain {

class KeepingMailer final : public Mailer {
  std::mutex mutex_;  // guards messages_
  std::vector<Message> messages_;

 public:
  void send(const Message& message) override {
    const std::lock_guard lock(mutex_);
    messages_.push_back(message);
  }
  // Those since the last time.
  std::vector<Message> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(messages_, {});
  }
};

// The token in a mail about an account: the line that is indented.
inline std::string token_in(const Message& message) {
  const std::size_t begin = message.text.find("\n    ") + 5;
  return message.text.substr(begin, message.text.find('\n', begin) - begin);
}

}  // namespace gesso::domain
