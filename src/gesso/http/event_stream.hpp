// Server-sent events (HTML, "Server-sent events", text/event-stream): their text, and the response
// that carries them. Pure functions.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gesso/http/response.hpp"

namespace gesso::http {

struct ServerSentEvent {
  std::string_view event = {};  // its type; "" is a browser's "message"
  std::string_view id = {};    // what a client that comes back sends as Last-Event-ID; "" sets none
  std::string_view data = {};  // each of its lines becomes a "data:" of its own
};

// "event: x\nid: 7\ndata: {...}\n\n". An event or id with a line break or a NUL in it is left out:
// it would be read as something else.
[[nodiscard]] std::string to_text(const ServerSentEvent& event);

// A comment, which clients ignore: what keeps a silent stream alive through proxies.
inline constexpr std::string_view kKeepAliveComment = ":\n\n";

// 200 with `source` as its body, stored by nobody and buffered by no proxy.
[[nodiscard]] Response event_stream_response(std::shared_ptr<BodySource> source);

}  // namespace gesso::http
