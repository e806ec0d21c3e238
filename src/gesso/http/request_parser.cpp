#include "gesso/http/request_parser.hpp"

#include <algorithm>
#include <boost/beast/http/error.hpp>

#include "gesso/base/text.hpp"

namespace gesso::http {
namespace {

namespace beast_http = boost::beast::http;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

Method method_of(beast_http::verb verb) {
  switch (verb) {
    case beast_http::verb::get:
      return Method::kGet;
    case beast_http::verb::head:
      return Method::kHead;
    case beast_http::verb::post:
      return Method::kPost;
    case beast_http::verb::put:
      return Method::kPut;
    case beast_http::verb::patch:
      return Method::kPatch;
    case beast_http::verb::delete_:
      return Method::kDelete;
    case beast_http::verb::options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

}  // namespace

RequestParser::RequestParser(std::size_t max_header_bytes, std::size_t max_body_bytes)
    : max_header_bytes_(max_header_bytes) {
  header_limit(static_cast<std::uint32_t>(max_header_bytes));
  body_limit(max_body_bytes);
  eager(true);
}

RequestParser::Result RequestParser::parse(std::string_view bytes) {
  started_ = true;
  const auto too_long = [this] {
    return Refusal{.status = 431,
                   .detail = "The header of the request is longer than " +
                             std::to_string(max_header_bytes_) + " bytes"};
  };
  ErrorCode error;
  const bool had_header = is_header_done();
  const std::size_t consumed = put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  // Beast limits each piece of the header, and nothing of a chunk's header and the trailer.
  if (!had_header && !is_header_done()) header_bytes_ += consumed;
  const std::size_t waiting = bytes.size() - consumed;
  if (!is_done() && header_bytes_ + waiting > max_header_bytes_ &&
      (!error || error == beast_http::error::need_more)) {
    return {.consumed = consumed, .error = too_long()};
  }
  if (!error || error == beast_http::error::need_more) return {.consumed = consumed};
  if (refusal_) return {.consumed = consumed, .error = std::move(refusal_)};
  if (error == beast_http::error::header_limit) return {.consumed = consumed, .error = too_long()};
  if (error == beast_http::error::body_limit) {
    return {.consumed = consumed,
            .error = Refusal{.status = 413, .detail = "The body of the request is too large"}};
  }
  return {.consumed = consumed,
          .error = Refusal{.status = 400, .detail = "This is not HTTP: " + error.message()}};
}

RequestParser::ErrorCode RequestParser::refuse(int status, std::string_view detail) {
  refusal_ = {.status = status, .detail = std::string(detail)};
  return beast_http::make_error_code(beast_http::error::bad_field);
}

void RequestParser::on_request_impl(beast_http::verb method, Text, Text target, int version,
                                    ErrorCode&) {
  request_.method = method_of(method);
  version_ = version;
  std::string_view rest = view(target);
  // A proxy's form names scheme and host before the path (RFC 9112, 3.2.2).
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (equal_ignoring_case(rest.substr(0, scheme.size()), scheme)) {
      rest.remove_prefix(scheme.size());
      rest.remove_prefix(std::min(rest.find_first_of("/?"), rest.size()));
      if (!rest.starts_with('/')) request_.path = "/";
      break;
    }
  }
  rest = rest.substr(0, rest.find('#'));
  const std::size_t question = std::min(rest.find('?'), rest.size());
  request_.path += rest.substr(0, question);
  request_.query = rest.substr(std::min(question + 1, rest.size()));
  if (body_limit_by_ != nullptr) body_limit((*body_limit_by_)(request_.method, request_.path));
}

void RequestParser::on_field_impl(beast_http::field, Text name, Text value, ErrorCode&) {
  // Fields behind a chunked body could pass for ones that were checked before it.
  if (is_header_done()) return;
  request_.headers.add(view(name), view(value));
}

void RequestParser::on_header_impl(ErrorCode& error) {
  const Headers& headers = request_.headers;
  if (headers.count("host") != 1 && version_ >= 11) {
    error = refuse(400, "A request needs one Host field");
    return;
  }
  // Guessing where a body ends is how two servers come to disagree on it.
  if (const auto encoding = headers.find("transfer-encoding")) {
    if (!equal_ignoring_case(*encoding, "chunked") || version_ < 11) {
      error = refuse(501, "The only Transfer-Encoding here is chunked");
      return;
    }
  }
  if (const auto expect = headers.find("expect"); expect && version_ >= 11) {
    if (!equal_ignoring_case(*expect, "100-continue")) {
      error = refuse(417, "The only expectation here is 100-continue");
      return;
    }
    expects_continue_ = true;
  }
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCode&) {
  // What the client claims, but not on its word alone.
  if (length) request_.body.reserve(std::min<std::size_t>(*length, 4096));
}

std::size_t RequestParser::on_body_impl(Text bytes, ErrorCode&) {
  request_.body.append(bytes.data(), bytes.size());
  return bytes.size();
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, Text bytes, ErrorCode&) {
  request_.body.append(bytes.data(), bytes.size());
  return bytes.size();
}

}  // namespace gesso::http
