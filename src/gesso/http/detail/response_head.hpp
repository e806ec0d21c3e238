// The text of a response before its body. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gesso/http/response.hpp"

namespace gesso::http::detail {

enum class Framing {
  kNone,        // no body can follow: 204, 304
  kLength,      // Content-Length
  kChunked,     // Transfer-Encoding: chunked
  kUntilClose,  // the end of the connection ends it
};

struct HeadOptions {
  std::string_view date;
  std::string_view request_id;
  Framing body = Framing::kLength;
  std::size_t length = 0;
  bool closes = false;  // the connection ends with this response
  bool http_1_0 = false;
};

// Appends the status line, the fields and the empty line. A text type without a charset is said to
// be UTF-8, and a line break within a field becomes a blank: a field ends where we say.
void append_head(std::string& out, const Response& response, const HeadOptions& options);

}  // namespace gesso::http::detail
