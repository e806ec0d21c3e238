#include "gesso/http/event_stream.hpp"

#include <algorithm>

namespace gesso::http {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\n");
}

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

std::string to_text(const ServerSentEvent& event) {
  std::string out;
  if (!event.event.empty() && is_one_line(event.event)) append_field(out, "event", event.event);
  if (!event.id.empty() && is_one_line(event.id)) append_field(out, "id", event.id);
  std::string_view rest = event.data;
  for (;;) {
    const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    append_field(out, "data", rest.substr(0, end));
    if (end == rest.size()) break;
    rest.remove_prefix(end + (rest.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  out += '\n';
  return out;
}

Response event_stream_response(std::shared_ptr<BodySource> source) {
  return {.content_type = "text/event-stream",
          .headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}},
          .stream = std::move(source)};
}

}  // namespace gesso::http
