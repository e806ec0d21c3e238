// What comes of a request that got no answer.
#include "gesso/providers/http_answers.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <utility>
#include <variant>

#include "gesso/base/error.hpp"

namespace gesso::providers {
namespace {

class FailingClient final : public client::HttpClient {
  std::function<void()> fail_;

 public:
  explicit FailingClient(std::function<void()> fail) : fail_(std::move(fail)) {}
  client::HttpResponse send(const client::HttpRequest& /*request*/,
                            const client::Call& /*call*/) override {
    fail_();
    return {};
  }
};

Answer answer_where(std::function<void()> fail) {
  FailingClient client(std::move(fail));
  return ask(client, {.url = "https://api.example/"}, {}, "It",
             [](const client::HttpResponse&) -> Answer { return Unknown{}; });
}

TEST(Ask, WhatNobodyHeardWasNotBegun) {
  const Error refused(ErrorKind::kUnavailable, "no connection", {.retryable = true});
  EXPECT_TRUE(std::holds_alternative<Busy>(answer_where([&] { throw client::NotSent(refused); })));
  EXPECT_TRUE(std::holds_alternative<NoAnswer>(answer_where([&] { throw refused; })));
}

TEST(Ask, WhatCannotBeSentIsRefused) {
  EXPECT_TRUE(std::holds_alternative<Refused>(
      answer_where([] { throw Error(ErrorKind::kValidation, "not among the servers"); })));
}

// Answers with these statuses in turn; 0: with none.
class StatusClient final : public client::HttpClient {
  std::deque<int> statuses_;

 public:
  int sent = 0;

  explicit StatusClient(std::deque<int> statuses) : statuses_(std::move(statuses)) {}
  client::HttpResponse send(const client::HttpRequest& /*request*/,
                            const client::Call& /*call*/) override {
    ++sent;
    const int status = statuses_.front();
    statuses_.pop_front();
    if (status == 0) throw Error(ErrorKind::kUnavailable, "no connection");
    return {.status = status};
  }
};

TEST(AskForModel, SendsOnceMoreWhereTheFirstReplyDecidesNothing) {
  const auto is_gone = [](const client::HttpResponse& reply) { return reply.status == 404; };
  const auto ask_twice = [&](StatusClient& client) {
    return ask_for_model(client, {.url = "https://api.example/"}, {}, "It", is_gone);
  };
  for (const int status : {0, 429, 500, 503, 302}) {
    StatusClient client({status, 200});
    EXPECT_EQ(ask_twice(client).state, ModelState::kThere) << status;
    EXPECT_EQ(client.sent, 2) << status;
    StatusClient never({status, status, 200});
    EXPECT_EQ(ask_twice(never).state, ModelState::kUnknown) << status;
    EXPECT_EQ(never.sent, 2) << status;
  }
  for (const int status : {200, 404, 401, 403}) {
    StatusClient client({status});
    const ModelState state = status == 200   ? ModelState::kThere
                             : status == 404 ? ModelState::kGone
                                             : ModelState::kUnknown;
    EXPECT_EQ(ask_twice(client).state, state) << status;
    EXPECT_EQ(client.sent, 1) << status;
  }
}

}  // namespace
}  // namespace gesso::providers
