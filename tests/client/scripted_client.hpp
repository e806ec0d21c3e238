// An HttpClient that answers what a test wrote down and keeps what it was asked.
//
// Thread-safe; owned by the test. A request beyond the script fails the test.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/client/http_client.hpp"

namespace gesso::client {

class ScriptedClient final : public HttpClient {
 public:
  // A request as it was seen: headers as "name: value", in order.
  struct Seen {
    std::string method;
    std::string url;
    std::vector<std::string> headers;
    std::string body;
    std::chrono::milliseconds timeout;
    bool direct;
  };
  using Headers = std::vector<std::pair<std::string, std::string>>;

 private:
  using Answer = std::function<HttpResponse()>;
  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable asked_;
  std::deque<Answer> answers_;
  std::vector<Seen> seen_;

 public:
  void reply(int status, std::string body = {}, Headers headers = {}) {
    const std::lock_guard lock(mutex_);
    answers_.push_back([=] {
      return HttpResponse{.status = status, .headers = headers, .body = Secret(std::string(body))};
    });
  }
  void fail(ErrorKind kind, bool retryable = true) {
    const std::lock_guard lock(mutex_);
    answers_.push_back([=]() -> HttpResponse {
      throw Error(kind, "http://scripted: nobody answered", {.retryable = retryable});
    });
  }

  HttpResponse send(const HttpRequest& request, const Call&) override {
    std::unique_lock lock(mutex_);
    Seen seen{request.method,  request.url,   {}, std::string(request.body.reveal()),
              request.timeout, request.direct};
    for (const auto& [name, value] : request.headers) {
      seen.headers.push_back(name + ": " + std::string(value.reveal()));
    }
    seen_.push_back(std::move(seen));
    asked_.notify_all();
    if (answers_.empty()) {
      ADD_FAILURE() << "a request that the script does not know: " << request.url;
      throw Error(ErrorKind::kInternal, "the script has ended");
    }
    const Answer answer = std::move(answers_.front());
    answers_.pop_front();
    lock.unlock();
    return answer();
  }

  [[nodiscard]] std::vector<Seen> requests() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  void wait_for_requests(std::size_t count) {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [&] { return seen_.size() >= count; });
  }
};

}  // namespace gesso::client
