#include "gesso/http/detail/responder.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "gesso/base/text.hpp"
#include "gesso/http/detail/loop.hpp"
#include "gesso/http/problem.hpp"

namespace gesso::http::detail {
namespace {

class Exchange final : public ResponseSink {
  std::weak_ptr<Loop> loop_;
  std::weak_ptr<ClientConnection> connection_;

 public:
  Exchange(std::weak_ptr<Loop> loop, std::weak_ptr<ClientConnection> connection)
      : loop_(std::move(loop)), connection_(std::move(connection)) {}
  ~Exchange() override {
    if (!is_answered()) send(problem(500, "The request was not answered", "internal"));
  }

 private:
  void deliver(Response response) noexcept override {
    try {
      const std::shared_ptr<Loop> loop = loop_.lock();
      if (!loop) return;
      auto task = [connection = connection_, response = std::move(response)]() mutable {
        if (const auto alive = connection.lock()) alive->respond(std::move(response));
      };
      if (loop->context.get_executor().running_in_this_thread()) {
        task();
      } else {
        asio::post(loop->context, std::move(task));
      }
    } catch (const std::exception& error) {
      spdlog::error("http: a response was lost: {}", error.what());
    }
  }
};

}  // namespace

Responder responder_to(std::weak_ptr<Loop> loop, std::weak_ptr<ClientConnection> connection) {
  return Responder(std::make_shared<Exchange>(std::move(loop), std::move(connection)));
}

bool is_fit_request_id(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.' || c == ':' || c == '/' ||
           c == '+' || c == '=';
  });
}

}  // namespace gesso::http::detail
