// An HTTP response as a handler makes it, and the way back to the client. `Response` is a value.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/http/request.hpp"

namespace gesso::http {

class BodySource;  // http/body_stream.hpp

// Told what became of a response, for who undoes what nobody learns of. Owned by the response: when
// it goes and was not `taken`, `lost` runs, once, on whatever thread that is; it must neither block
// nor throw. Not thread-safe.
class Delivery {
  std::function<void()> lost_;

 public:
  // REQUIRES: `lost` is not empty.
  explicit Delivery(std::function<void()> lost) : lost_(std::move(lost)) {}
  ~Delivery() {
    if (lost_) lost_();
  }
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  // All of it was written, to a client that was still there.
  void taken() noexcept { lost_ = nullptr; }
};

struct Response {
  int status = 200;
  // "" sends none, for a response without a body. Text of any kind is sent as UTF-8's.
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::string code = {};  // of a problem; not sent but in the body: for whoever counts them
  std::shared_ptr<BodySource> stream = {};  // where set, the body comes from here, and not above
  std::shared_ptr<Delivery> delivery = {};  // where set, is told whether the client got it

  // The value of the first field of that name, in any case of letters; nullptr where there is none.
  [[nodiscard]] const std::string* header(std::string_view name) const noexcept;
};

// "Not Found" for 404.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

// Where the server takes a response. Thread-safe. An implementation says in its destructor what
// becomes of a request that nobody answered.
class ResponseSink {
  std::atomic_flag sent_;

 public:
  ResponseSink() = default;
  ResponseSink(const ResponseSink&) = delete;
  ResponseSink& operator=(const ResponseSink&) = delete;
  virtual ~ResponseSink() = default;

  [[nodiscard]] bool is_answered() const noexcept { return sent_.test(); }

  // Delivers the first response and ignores others.
  void send(Response response) noexcept {
    if (!sent_.test_and_set()) deliver(std::move(response));
  }

 private:
  virtual void deliver(Response response) noexcept = 0;
};

// Answers one request, once, from any thread and at any time; later calls do nothing. Copies share
// that one answer. When the last copy goes without an answer, the client gets a 500. Never blocks.
class Responder {
  std::shared_ptr<ResponseSink> sink_;

 public:
  explicit Responder(std::shared_ptr<ResponseSink> sink) : sink_(std::move(sink)) {}

  void operator()(Response response) const noexcept { sink_->send(std::move(response)); }
};

// Takes a request and answers it, now or later. Called on an I/O thread: it must not block. What
// it throws becomes a 500.
using Handler = std::function<void(Request, Responder)>;

}  // namespace gesso::http
