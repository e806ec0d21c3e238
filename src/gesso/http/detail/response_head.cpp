#include "gesso/http/detail/response_head.hpp"

#include <algorithm>
#include <cstddef>

#include "gesso/base/text.hpp"

namespace gesso::http::detail {
namespace {

void append_safely(std::string& out, std::string_view text) {
  const std::size_t begin = out.size();
  out.append(text);
  const auto breaks = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), breaks, ' ');
}

bool is_text_without_charset(std::string_view type) {
  return equal_ignoring_case(type.substr(0, 5), "text/") &&
         lower(type).find("charset=") == std::string::npos;
}

}  // namespace

void append_head(std::string& out, const Response& response, const HeadOptions& options) {
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out.append(reason_phrase(response.status)).append("\r\nDate: ").append(options.date);
  if (!response.content_type.empty()) {
    out.append("\r\nContent-Type: ");
    append_safely(out, response.content_type);
    if (is_text_without_charset(response.content_type)) out.append("; charset=utf-8");
  }
  for (const auto& [name, value] : response.headers) {
    out.append("\r\n");
    append_safely(out, name);
    out.append(": ");
    append_safely(out, value);
  }
  if (options.body == Framing::kLength) {
    out.append("\r\nContent-Length: ").append(std::to_string(options.length));
  } else if (options.body == Framing::kChunked) {
    out.append("\r\nTransfer-Encoding: chunked");
  }
  out.append("\r\nX-Request-ID: ").append(options.request_id);
  if (options.closes) {
    out.append("\r\nConnection: close");
  } else if (options.http_1_0) {
    out.append("\r\nConnection: keep-alive");
  }
  out.append("\r\n\r\n");
}

}  // namespace gesso::http::detail
