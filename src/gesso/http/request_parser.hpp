// From bytes to a `Request`, piece by piece, without I/O: Beast's HTTP parser filling our struct.
// One parser a request. Not thread-safe. Includes Beast: for server.cpp and its tests alone.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/http/request.hpp"

namespace gesso::http {

class RequestParser final : private boost::beast::http::basic_parser<true> {
  using Base = boost::beast::http::basic_parser<true>;
  using ErrorCode = boost::beast::error_code;
  using Text = boost::beast::string_view;

 public:
  // Why the bytes are no request we take, as the status and detail of the response.
  struct Refusal {
    int status = 400;
    std::string detail;
  };
  struct Result {
    std::size_t consumed = 0;  // the rest must be there again in the next call
    std::optional<Refusal> error = {};
  };

 private:
  Request request_;
  std::size_t max_header_bytes_;
  std::size_t header_bytes_ = 0;  // consumed so far
  int version_ = 11;
  bool started_ = false;
  bool expects_continue_ = false;
  std::optional<Refusal> refusal_;  // what one of the callbacks found
  const std::function<std::size_t(Method, std::string_view path)>* body_limit_by_ = nullptr;

 public:
  RequestParser(std::size_t max_header_bytes, std::size_t max_body_bytes);

  // Asks `limit` how long the body may be, once method and path are known, in place of
  // `max_body_bytes`. It must live as long as this.
  void limit_body_by(const std::function<std::size_t(Method, std::string_view path)>& limit) {
    body_limit_by_ = &limit;
  }

  // Takes the next bytes, at least one. Stops at the end of the request: what is behind it belongs
  // to the next one. Must not be called again after an error or when `done`.
  Result parse(std::string_view bytes);

  [[nodiscard]] bool started() const noexcept { return started_; }  // saw a byte
  [[nodiscard]] bool header_done() const { return is_header_done(); }
  [[nodiscard]] bool done() const { return is_done(); }
  [[nodiscard]] std::size_t body_bytes() const noexcept { return request_.body.size(); }
  // What is known of the request so far. REQUIRES: not `release`d.
  [[nodiscard]] const Request& request() const noexcept { return request_; }
  // The client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
  // REQUIRES: `header_done()`.
  [[nodiscard]] bool keep_alive() const { return Base::keep_alive(); }
  [[nodiscard]] bool http_1_0() const noexcept { return version_ < 11; }
  // Gives the request away. REQUIRES: `done()`.
  [[nodiscard]] Request release() { return std::move(request_); }

 private:
  ErrorCode refuse(int status, std::string_view detail);
  void on_request_impl(boost::beast::http::verb method, Text method_text, Text target, int version,
                       ErrorCode& error) override;
  void on_response_impl(int, Text, int, ErrorCode&) override {}
  void on_field_impl(boost::beast::http::field, Text name, Text value, ErrorCode& error) override;
  void on_header_impl(ErrorCode& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCode& error) override;
  std::size_t on_body_impl(Text bytes, ErrorCode& error) override;
  void on_chunk_header_impl(std::uint64_t, Text, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text bytes, ErrorCode& error) override;
  void on_finish_impl(ErrorCode&) override {}
};

}  // namespace gesso::http
