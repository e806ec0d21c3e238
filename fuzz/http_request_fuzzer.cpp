// HTTP requests from outside: however the bytes are cut, the parser takes the same requests from
// them, within its limits, or refuses them.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/text.hpp"
#include "gesso/http/request_parser.hpp"

namespace {

constexpr std::size_t kMaxHeader = 1024;
constexpr std::size_t kMaxBody = 4096;

// What was parsed, as text; `step` bytes at a time.
std::vector<std::string> parse_all(std::string_view bytes, std::size_t step) {
  using gesso::http::RequestParser;
  std::vector<std::string> requests;
  std::string buffer;
  RequestParser parser(kMaxHeader, kMaxBody);
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    buffer += bytes.substr(at, step);
    while (!buffer.empty()) {
      const auto result = parser.parse(buffer);
      if (result.consumed > buffer.size()) __builtin_trap();
      buffer.erase(0, result.consumed);
      if (result.error) return requests;
      if (!parser.done()) break;
      gesso::http::Request request = parser.release();
      if (request.body.size() > kMaxBody) __builtin_trap();
      for (const auto& [name, value] : gesso::http::parse_query(request.query)) {
        if (name.size() + value.size() > request.query.size()) __builtin_trap();
      }
      (void)gesso::percent_decode(request.path);
      requests.push_back(request.path + "?" + request.query + "\n" + request.body);
      std::destroy_at(&parser);
      std::construct_at(&parser, kMaxHeader, kMaxBody);
    }
  }
  return requests;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = parse_all(bytes, std::max<std::size_t>(1, size));
  const auto pieces = parse_all(bytes, 7);
  // A refusal may come earlier in one of the two, never another request.
  for (std::size_t i = 0; i < std::min(whole.size(), pieces.size()); ++i) {
    if (whole[i] != pieces[i]) __builtin_trap();
  }
  return 0;
}
