// An HTTP client that sends exactly the bytes it is told and reads one response at a time.
//
// Owned by the test; not thread-safe; blocks, for 20 seconds at most.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "gesso/testing/socket.hpp"

namespace gesso::http::testing {

struct RawResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

class RawClient {
  gesso::testing::Socket socket_;
  std::string input_;

  // False at the end of the connection.
  bool fill() {
    char buffer[16384];
    const ssize_t count = ::recv(socket_.fd(), buffer, sizeof buffer, 0);
    if (count < 0 && errno == EAGAIN) throw std::runtime_error("no answer within 20 s");
    if (count <= 0) return false;
    input_.append(buffer, static_cast<std::size_t>(count));
    return true;
  }

 public:
  explicit RawClient(std::uint16_t port) : socket_(gesso::testing::Socket::connect(port)) {
    if (!socket_) throw std::runtime_error("nobody listens on " + std::to_string(port));
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const int on = 1;
    ::setsockopt(socket_.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  // False when the server has closed.
  bool send(std::string_view bytes) const { return socket_.write_all(bytes.data(), bytes.size()); }

  // `head`: the response to a HEAD request, which has no body.
  RawResponse read(bool head = false) {
    std::size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) throw std::runtime_error("closed in the middle of a header: " + input_);
    }
    RawResponse response;
    const std::string header = input_.substr(0, end + 2);
    input_.erase(0, end + 4);
    response.status = std::stoi(header.substr(9, 3));
    for (std::size_t at = header.find("\r\n") + 2; at < header.size();) {
      const std::size_t line_end = header.find("\r\n", at);
      const std::size_t colon = header.find(": ", at);
      std::string name = header.substr(at, colon - at);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      response.headers[name] = header.substr(colon + 2, line_end - colon - 2);
      at = line_end + 2;
    }
    const std::string length = response.header("content-length");
    const std::size_t size = head || length.empty() ? 0 : std::stoul(length);
    while (input_.size() < size) {
      if (!fill()) throw std::runtime_error("closed in the middle of a body");
    }
    response.body = input_.substr(0, size);
    input_.erase(0, size);
    return response;
  }

  // Whether the server has nothing more to say and closed.
  bool closed() { return input_.empty() && !fill(); }

  RawResponse exchange(std::string_view bytes) {
    send(bytes);
    return read();
  }
};

// "GET /path HTTP/1.1" with a Host, and a body if there is one.
inline std::string request(std::string_view method, std::string_view path,
                           std::string_view headers = {}, std::string_view body = {}) {
  std::string text = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n";
  text += headers;
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + std::string(body);
}

}  // namespace gesso::http::testing
