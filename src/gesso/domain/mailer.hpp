// Mail: what is sent, who sends it, and the queue before that, off the requests' path.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gesso/base/deadline.hpp"
#include "gesso/schema/email.hpp"

namespace gesso::domain {

struct Message {
  schema::Email to;
  std::string subject;  // one line
  std::string text;     // plain text, UTF-8
};

// Implementations are used by one thread at a time and may block.
class Mailer {
 public:
  Mailer() = default;
  Mailer(const Mailer&) = delete;
  Mailer& operator=(const Mailer&) = delete;
  virtual ~Mailer() = default;

  // Returns once the message is handed on. Throws Error; one that is retryable is tried again.
  virtual void send(const Message& message) = 0;
};

// Writes each message to the log, tokens included: for development, and for whoever has no mail
// server yet. Not for a service whose log others read.
class LogMailer final : public Mailer {
 public:
  void send(const Message& message) override;
};

struct MailQueueOptions {
  std::size_t limit = 1000;  // messages that wait
  // Before each further attempt at a message that could not be sent; then it is given up.
  std::vector<std::chrono::milliseconds> retry_after{std::chrono::seconds{1},
                                                     std::chrono::seconds{10}};
};

struct MailCounts {
  std::uint64_t queued = 0;  // taken by `submit`
  std::uint64_t sent = 0;
  std::uint64_t idle = 0;     // there was nothing to send after all
  std::uint64_t failed = 0;   // given up
  std::uint64_t refused = 0;  // the queue was full, or is taken no more
  std::uint64_t dropped = 0;  // left when the time to stop was over
};

// Sends on a thread of its own, in order. Thread-safe. Borrows the mailer. Destroying it drops what
// waits; `stop` first sends it.
class MailQueue {
 public:
  // What is done on the queue's thread: it may ask the database, and returns what is to be sent, if
  // anything. So that a request for a mail takes as long whether or not there is such a user.
  using Job = std::function<std::optional<Message>()>;

 private:
  Mailer& mailer_;
  MailQueueOptions options_;
  mutable std::mutex mutex_;  // guards the five below
  std::deque<Job> jobs_;
  bool busy_ = false;
  bool closed_ = false;  // nothing more is taken
  bool ending_ = false;  // what waits is dropped
  MailCounts counts_;
  std::condition_variable changed_;
  std::thread thread_;

  void work();
  void run(const Job& job);
  // False where the queue ends meanwhile.
  bool pause(std::chrono::milliseconds duration);

 public:
  explicit MailQueue(Mailer& mailer, MailQueueOptions options = {});
  ~MailQueue();
  MailQueue(const MailQueue&) = delete;
  MailQueue& operator=(const MailQueue&) = delete;

  // Never blocks. Throws Error (kOverloaded) where the queue is full, kUnavailable once it stopped.
  void submit(Job job);
  void submit(Message message);

  // Takes nothing more, and waits until all is sent or the deadline has passed. Returns whether all
  // was.
  bool stop(Deadline deadline);
  // Waits until nothing waits and nothing is being sent.
  void drain();

  [[nodiscard]] MailCounts counts() const;
  [[nodiscard]] std::size_t waiting() const;
};

}  // namespace gesso::domain
