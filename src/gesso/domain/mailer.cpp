#include "gesso/domain/mailer.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "gesso/base/error.hpp"

namespace gesso::domain {

void LogMailer::send(const Message& message) {
  spdlog::info("mail to {}: {}\n{}", message.to.str(), message.subject, message.text);
}

MailQueue::MailQueue(Mailer& mailer, MailQueueOptions options)
    : mailer_(mailer), options_(std::move(options)), thread_([this] { work(); }) {}

MailQueue::~MailQueue() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void MailQueue::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      ++counts_.refused;
      throw Error(ErrorKind::kUnavailable, "no mail is taken any more");
    }
    if (jobs_.size() >= options_.limit) {
      ++counts_.refused;
      throw Error(ErrorKind::kOverloaded, "too much mail waits to be sent", {.retryable = true});
    }
    jobs_.push_back(std::move(job));
    ++counts_.queued;
  }
  changed_.notify_all();
}

void MailQueue::submit(Message message) {
  submit([message = std::move(message)] { return std::optional(message); });
}

bool MailQueue::stop(Deadline deadline) {
  std::unique_lock lock(mutex_);
  closed_ = true;
  const auto idle = [this] { return jobs_.empty() && !busy_; };
  if (!deadline.is_set()) {
    changed_.wait(lock, idle);
    return true;
  }
  const bool all = changed_.wait_until(lock, deadline.moment(), idle);
  if (!all) counts_.dropped = jobs_.size() + (busy_ ? 1 : 0);
  return all;
}

void MailQueue::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return jobs_.empty() && !busy_; });
}

MailCounts MailQueue::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::size_t MailQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void MailQueue::work() {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      busy_ = false;
      changed_.notify_all();
      changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (ending_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      busy_ = true;
    }
    run(job);
  }
}

bool MailQueue::pause(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, duration, [this] { return ending_; });
}

void MailQueue::run(const Job& job) {
  std::optional<Message> message;  // made once: a job that made a token must not make another
  for (std::size_t attempt = 0;; ++attempt) {
    std::string why;
    bool again = false;
    try {
      if (!message) message = job();
      if (!message) {
        const std::lock_guard lock(mutex_);
        ++counts_.idle;
        return;
      }
      mailer_.send(*message);
      const std::lock_guard lock(mutex_);
      ++counts_.sent;
      return;
    } catch (const Error& error) {
      why = error.what();
      again = error.retryable();
    } catch (const std::exception& error) {
      why = error.what();
    }
    if (again && attempt < options_.retry_after.size() && pause(options_.retry_after[attempt])) {
      continue;
    }
    spdlog::error("a mail was not sent, after {} attempts: {}", attempt + 1, why);
    const std::lock_guard lock(mutex_);
    ++counts_.failed;
    return;
  }
}

}  // namespace gesso::domain
