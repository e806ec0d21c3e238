#include "gesso/domain/mailer.hpp"

#include <gtest/gtest.h>

#include <future>

#include "gesso/base/error.hpp"
#include "gesso/domain/client_mailer.hpp"

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;

Message mail(std::string subject) {
  return {.to = "ada@example.com", .subject = std::move(subject), .text = "."};
}

// Fails as often as it is told to, and keeps what it sent.
class ScriptedMailer final : public Mailer {
  std::mutex mutex_;
  std::vector<std::string> sent_;

 public:
  std::atomic<int> failures = 0;
  std::atomic<int> attempts = 0;
  bool retryable = true;
  std::shared_future<void> gate;

  void send(const Message& message) override {
    if (gate.valid()) gate.wait();
    ++attempts;
    if (failures > 0) {
      --failures;
      throw Error(ErrorKind::kUnavailable, "no mail server", {.retryable = retryable});
    }
    const std::lock_guard lock(mutex_);
    sent_.push_back(message.subject);
  }
  std::vector<std::string> sent() {
    const std::lock_guard lock(mutex_);
    return sent_;
  }
};

const MailQueueOptions kQuick{.limit = 2, .retry_after = {0ms, 0ms}};

TEST(MailQueueTest, SendsInOrder) {
  ScriptedMailer mailer;
  MailQueue queue(mailer, {.retry_after = {}});
  for (const char* subject : {"one", "two", "three"}) queue.submit(mail(subject));
  queue.drain();
  EXPECT_EQ(mailer.sent(), (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(queue.counts().sent, 3U);
}

TEST(MailQueueTest, TriesAgainWhatMayYetBeSentAndGivesUpAfterSomeTimes) {
  ScriptedMailer mailer;
  MailQueue queue(mailer, kQuick);
  mailer.failures = 2;
  queue.submit(mail("late"));
  queue.drain();
  EXPECT_EQ(mailer.sent(), std::vector<std::string>{"late"});
  mailer.failures = 3;
  queue.submit(mail("never"));
  queue.drain();
  EXPECT_EQ(mailer.attempts, 6);
  EXPECT_EQ(queue.counts().failed, 1U);
  EXPECT_EQ(queue.counts().sent, 1U);
}

TEST(MailQueueTest, DoesNotTryAgainWhatIsRefusedForGood) {
  ScriptedMailer mailer;
  mailer.retryable = false;
  mailer.failures = 1;
  MailQueue queue(mailer, kQuick);
  queue.submit(mail("refused"));
  queue.submit(mail("fine"));
  queue.drain();
  EXPECT_EQ(mailer.attempts, 2);
  EXPECT_EQ(mailer.sent(), std::vector<std::string>{"fine"});
}

TEST(MailQueueTest, AJobMakesItsMessageOnce) {
  ScriptedMailer mailer;
  mailer.failures = 1;
  MailQueue queue(mailer, kQuick);
  int made = 0;
  queue.submit([&] { return std::optional(mail(std::to_string(++made))); });
  queue.submit([]() -> std::optional<Message> { return std::nullopt; });  // nobody to write to
  queue.drain();
  EXPECT_EQ(mailer.sent(), std::vector<std::string>{"1"});
}

TEST(MailQueueTest, SurvivesWhatAJobThrows) {
  ScriptedMailer mailer;
  MailQueue queue(mailer, kQuick);
  queue.submit([]() -> std::optional<Message> { throw std::runtime_error("boom"); });
  queue.submit(mail("after"));
  queue.drain();
  EXPECT_EQ(mailer.sent(), std::vector<std::string>{"after"});
  EXPECT_EQ(queue.counts().failed, 1U);
}

TEST(MailQueueTest, IsBounded) {
  std::promise<void> open;
  ScriptedMailer mailer;
  mailer.gate = open.get_future().share();
  MailQueue queue(mailer, kQuick);
  queue.submit(mail("being sent"));
  while (queue.waiting() > 0) std::this_thread::yield();
  queue.submit(mail("waits"));
  queue.submit(mail("waits"));
  try {
    queue.submit(mail("one too many"));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kOverloaded);
  }
  EXPECT_EQ(queue.counts().refused, 1U);
  open.set_value();
  EXPECT_TRUE(queue.stop(Deadline{}));
  EXPECT_EQ(mailer.sent().size(), 3U);
  EXPECT_THROW(queue.submit(mail("too late")), Error);
  const MailCounts counts = queue.counts();
  EXPECT_EQ(counts.queued, 3U);
  EXPECT_EQ(counts.sent, 3U);
  EXPECT_EQ(counts.refused, 2U);
  EXPECT_EQ(counts.dropped, 0U);
}

TEST(MailQueueTest, StopsWaitingAtItsDeadline) {
  std::promise<void> open;
  ScriptedMailer mailer;
  mailer.gate = open.get_future().share();
  MailQueue queue(mailer, kQuick);
  queue.submit(mail("hangs"));
  queue.submit(mail("waits behind it"));
  EXPECT_FALSE(queue.stop(Deadline::after(1ms)));
  EXPECT_EQ(queue.counts().dropped, 2U);
  open.set_value();
}

class KeepingClient final : public client::MailClient {
 public:
  std::vector<client::Mail> sent;
  bool had_deadline = false;
  void send(const client::Mail& one, const client::Call& call) override {
    sent.push_back(one);
    had_deadline = call.deadline.is_set();
  }
};

TEST(ClientMailerTest, HandsAMailToTheClientThatSendsIt) {
  auto owned = std::make_unique<KeepingClient>();
  const KeepingClient& client = *owned;
  ClientMailer mailer(std::move(owned));
  mailer.send({.to = "ada@example.com", .subject = "Hello", .text = "Ada"});
  ASSERT_EQ(client.sent.size(), 1U);
  EXPECT_EQ(client.sent[0].to, "ada@example.com");
  EXPECT_EQ(client.sent[0].subject, "Hello");
  EXPECT_EQ(client.sent[0].text, "Ada");
  EXPECT_TRUE(client.had_deadline);
}

}  // namespace
}  // namespace gesso::domain
