// What comes of a request that got no answer.
#include "gesso/providers/http_answers.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <variant>

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

}  // namespace
}  // namespace gesso::providers
