// An HTTP client that sends exactly the bytes it is told and reads one response at a time, whole or
// chunk by chunk.
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
#include <utility>

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
    const ssize_t count = receive(buffer, sizeof buffer);
    if (count < 0 && errno == EAGAIN) throw std::runtime_error("no answer within 20 s");
    if (count <= 0) return false;
    input_.append(buffer, static_cast<std::size_t>(count));
    return true;
  }

  // Up to and without the line break.
  std::string read_line() {
    std::size_t end = 0;
    while ((end = input_.find("\r\n")) == std::string::npos) {
      if (!fill()) throw std::runtime_error("closed in the middle of a line: " + input_);
    }
    std::string line = input_.substr(0, end);
    input_.erase(0, end + 2);
    return line;
  }

  std::string read_bytes(std::size_t size) {
    while (input_.size() < size) {
      if (!fill()) throw std::runtime_error("closed in the middle of a body");
    }
    std::string bytes = input_.substr(0, size);
    input_.erase(0, size);
    return bytes;
  }

 protected:
  // As ::recv.
  virtual ssize_t receive(char* buffer, std::size_t size) {
    return ::recv(socket_.fd(), buffer, size, 0);
  }

 public:
  explicit RawClient(std::uint16_t port) : socket_(gesso::testing::Socket::connect(port)) {
    if (!socket_) throw std::runtime_error("nobody listens on " + std::to_string(port));
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const int on = 1;
    ::setsockopt(socket_.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  RawClient(RawClient&&) noexcept = default;
  RawClient& operator=(RawClient&&) noexcept = default;
  virtual ~RawClient() = default;

  [[nodiscard]] int fd() const { return socket_.fd(); }

  // False when the server has closed.
  virtual bool send(std::string_view bytes) const {
    return socket_.write_all(bytes.data(), bytes.size());
  }

  // All before the body.
  RawResponse read_head() {
    RawResponse response;
    response.status = std::stoi(read_line().substr(9, 3));
    for (std::string line = read_line(); !line.empty(); line = read_line()) {
      const std::size_t colon = line.find(": ");
      std::string name = line.substr(0, colon);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      response.headers[name] = line.substr(colon + 2);
    }
    return response;
  }

  // "" is the last one.
  std::string read_chunk() {
    std::string chunk = read_bytes(std::stoul(read_line(), nullptr, 16));
    read_line();
    return chunk;
  }

  // What comes until the connection ends.
  std::string read_rest() {
    while (fill()) {
    }
    return std::exchange(input_, {});
  }

  // `head`: the response to a HEAD request, which has no body.
  RawResponse read(bool head = false) {
    RawResponse response = read_head();
    if (head) return response;
    if (response.header("transfer-encoding") == "chunked") {
      for (std::string chunk = read_chunk(); !chunk.empty(); chunk = read_chunk()) {
        response.body += chunk;
      }
    } else if (response.headers.contains("content-length")) {
      response.body = read_bytes(std::stoul(response.header("content-length")));
    }
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
