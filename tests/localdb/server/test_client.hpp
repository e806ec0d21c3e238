// A client of a few lines: raw OP_MSG over a socket, so that no driver stands between a test and
// the server's bytes. Blocks; for one thread.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::localdb {

class TestClient {
  int fd_ = -1;
  std::int32_t next_request_ = 1;

  explicit TestClient(int fd) : fd_(fd) {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    (void)::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

 public:
  using Bytes = std::vector<std::uint8_t>;

  TestClient(TestClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), next_request_(other.next_request_) {}
  TestClient& operator=(TestClient&& other) noexcept {
    std::swap(fd_, other.fd_);
    next_request_ = other.next_request_;
    return *this;
  }
  ~TestClient() {
    if (fd_ >= 0) ::close(fd_);
  }

  // Ends the connection while another thread may be waiting for a reply.
  void close() { (void)::shutdown(fd_, SHUT_RDWR); }

  static TestClient over_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return connected(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  static TestClient over_tcp(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connected(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  // An OP_MSG with one body, and document sequences behind it.
  Bytes message(bson::View body, std::uint32_t flags = 0, std::string_view name = {},
                const std::vector<bson::Document>& documents = {}) {
    Bytes out;
    for (const std::uint32_t word :
         {0U, static_cast<std::uint32_t>(next_request_++), 0U, 2013U, flags}) {
      put(out, word);
    }
    out.push_back(0);
    out.insert(out.end(), body.data(), body.data() + body.size());
    if (!name.empty()) {
      out.push_back(1);
      const std::size_t start = out.size();
      put(out, 0);
      out.insert(out.end(), name.begin(), name.end());
      out.push_back(0);
      for (const bson::Document& document : documents) {
        out.insert(out.end(), document.data(), document.data() + document.size());
      }
      set(out, start, static_cast<std::uint32_t>(out.size() - start));
    }
    set(out, 0, static_cast<std::uint32_t>(out.size()));
    return out;
  }

  void send(const Bytes& bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t sent = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (sent <= 0) return;  // the test sees it when it reads
      done += static_cast<std::size_t>(sent);
    }
  }

  // The document of the next reply; std::nullopt when the server has closed the connection.
  std::optional<bson::Document> receive() {
    Bytes length(4);
    if (!read(length)) return std::nullopt;
    std::uint32_t size = 0;
    std::memcpy(&size, length.data(), 4);
    Bytes rest(size - 4);
    if (!read(rest)) return std::nullopt;
    std::uint32_t op_code = 0;
    std::memcpy(&op_code, rest.data() + 8, 4);
    const auto header = static_cast<std::ptrdiff_t>(op_code == 1 ? 32 : 17);
    return bson::Document(Bytes(rest.begin() + header, rest.end()));
  }

  std::optional<bson::Document> request(const Bytes& bytes) {
    send(bytes);
    return receive();
  }

  // Runs a command given as Extended JSON on `db`.
  bson::Document run(const std::string& json, std::string_view db = "test") {
    return run(bson::from_json(json), db);
  }
  bson::Document run(bson::View command, std::string_view db = "test") {
    bson::Builder body;
    body.append_all(command);
    body.append("$db", db);
    const auto reply = request(message(body.finish()));
    if (!reply) throw std::runtime_error("the server closed the connection");
    return *reply;
  }

 private:
  static TestClient connected(int family, const sockaddr* address, socklen_t size) {
    TestClient client(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(client.fd_, address, size) != 0) throw std::runtime_error("cannot connect");
    return client;
  }

  static void put(Bytes& out, std::uint32_t value) {
    out.resize(out.size() + 4);
    set(out, out.size() - 4, value);
  }
  static void set(Bytes& out, std::size_t at, std::uint32_t value) {
    std::memcpy(out.data() + at, &value, sizeof value);
  }

  bool read(std::span<std::uint8_t> bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t got = ::recv(fd_, bytes.data() + done, bytes.size() - done, 0);
      if (got <= 0) return false;
      done += static_cast<std::size_t>(got);
    }
    return true;
  }
};

}  // namespace gesso::localdb
