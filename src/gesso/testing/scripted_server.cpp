#include "gesso/testing/scripted_server.hpp"

#include <algorithm>
#include <cstring>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include "gesso/testing/socket.hpp"

namespace gesso::testing {
namespace {

constexpr std::int32_t kOpReply = 1;
constexpr std::int32_t kOpQuery = 2004;
constexpr std::int32_t kOpMsg = 2013;
constexpr std::uint32_t kMoreToCome = 2;

struct Header {
  std::int32_t length;
  std::int32_t request_id;
  std::int32_t response_to;
  std::int32_t op_code;
};

template <class T>
void put(std::vector<std::uint8_t>& out, T value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

// The command of an OP_MSG body (what follows the header), its sequences as arrays.
bson::Document command_of_message(const std::vector<std::uint8_t>& body) {
  bson::View main;
  bson::Builder sequences;
  for (std::size_t at = 4; at < body.size();) {
    const std::uint8_t kind = body[at++];
    if (kind == 0) {
      main = bson::View(&body[at]);
      at += main.size();
      continue;
    }
    const std::size_t end = at + bson::detail::load<std::uint32_t>(&body[at]);
    const std::string_view key(reinterpret_cast<const char*>(&body[at + 4]));
    const auto array = sequences.array(key);
    for (std::size_t item = at + 4 + key.size() + 1; item < end;) {
      const bson::View document(&body[item]);
      sequences.push(document);
      item += document.size();
    }
    at = end;
  }
  bson::Builder command;
  command.append_all(main);
  command.append_all(sequences.finish());
  return command.finish();
}

// The command of an OP_QUERY on "DB.$cmd".
bson::Document command_of_query(const std::vector<std::uint8_t>& body) {
  const std::size_t name = std::strlen(reinterpret_cast<const char*>(&body[4]));
  return bson::Document(bson::View(&body[4 + name + 1 + 8]));
}

std::vector<std::uint8_t> encode(const Header& request, const bson::Document& reply) {
  std::vector<std::uint8_t> out;
  const bool message = request.op_code == kOpMsg;
  const std::size_t length = sizeof(Header) + (message ? 5 : 20) + reply.size();
  out.reserve(length);
  put(out, Header{.length = static_cast<std::int32_t>(length),
                  .request_id = 0,
                  .response_to = request.request_id,
                  .op_code = message ? kOpMsg : kOpReply});
  if (message) {
    put(out, std::uint32_t{0});  // flags
    out.push_back(0);            // a body section
  } else {
    put(out, std::uint32_t{8});  // AwaitCapable
    put(out, std::int64_t{0});   // cursor
    put(out, std::int32_t{0});   // starting from
    put(out, std::int32_t{1});   // documents
  }
  out.insert(out.end(), reply.data(), reply.data() + reply.size());
  return out;
}

}  // namespace

class ScriptedServer::Impl {
  Script script_;
  bson::Document hello_extra_;
  Socket listener_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;  // guards what follows, and calls of the script
  bool stopping_ = false;
  std::vector<bson::Document> commands_;
  struct Connection {
    Socket socket;
    bool open = true;
    std::jthread thread;
  };
  std::list<Connection> connections_;
  std::jthread acceptor_;  // last: it uses all of the above

  bson::Document hello() const {
    bson::Builder reply;
    reply.append("ismaster", true)
        .append("helloOk", true)
        .append("maxBsonObjectSize", 16 * 1024 * 1024)
        .append("maxMessageSizeBytes", 48'000'000)
        .append("maxWriteBatchSize", 100'000)
        .append("minWireVersion", 0)
        .append("maxWireVersion", 17)
        .append("readOnly", false);
    reply.append_all(hello_extra_);
    reply.append("ok", 1.0);
    return reply.finish();
  }

  static bson::Document standard(std::string_view name, bson::View command) {
    if (name == "find") {
      const std::string ns =
          std::string(command["$db"].as_string()) + "." + std::string(command["find"].as_string());
      return Answer::batch(ns, bson::Array()).document;
    }
    if (name == "ping" || name == "endSessions") return bson::make_document("ok", 1.0);
    if (name == "buildInfo") return bson::make_document("version", "7.0.0", "ok", 1.0);
    return Answer::error(59, "no such command: '" + std::string(name) + "'").document;
  }

  // std::nullopt: hang up.
  std::optional<bson::Document> answer(const bson::Document& command) {
    const std::string_view name = command.view().begin()->key;
    if (name == "hello" || name == "isMaster" || name == "ismaster") return hello();
    const std::lock_guard lock(mutex_);
    commands_.push_back(command);
    Answer said = script_ ? script_(command) : Answer::standard();
    if (said.kind == Answer::Kind::kHangUp) return std::nullopt;
    if (said.kind == Answer::Kind::kReply) return std::move(said.document);
    return standard(name, command);
  }

  void serve(Connection& connection) {
    const Socket& socket = connection.socket;
    Header header{};
    std::vector<std::uint8_t> body;
    while (socket.read_all(&header, sizeof header)) {
      body.resize(static_cast<std::size_t>(header.length) - sizeof header);
      if (!socket.read_all(body.data(), body.size())) break;
      if (header.op_code != kOpMsg && header.op_code != kOpQuery) break;
      const bool message = header.op_code == kOpMsg;
      const auto reply = answer(message ? command_of_message(body) : command_of_query(body));
      if (!reply) break;
      if (message && (bson::detail::load<std::uint32_t>(body.data()) & kMoreToCome) != 0) continue;
      const auto bytes = encode(header, *reply);
      if (!socket.write_all(bytes.data(), bytes.size())) break;
    }
    socket.shutdown();
    const std::lock_guard lock(mutex_);
    connection.open = false;
  }

  void accept() {
    for (;;) {
      Socket socket = listener_.accept();
      const std::lock_guard lock(mutex_);
      if (stopping_ || !socket) return;
      std::erase_if(connections_, [](const Connection& one) { return !one.open; });
      Connection& connection = connections_.emplace_back();
      connection.socket = std::move(socket);
      connection.thread = std::jthread([this, &connection] { serve(connection); });
    }
  }

 public:
  Impl(Script script, bson::Document hello_extra)
      : script_(std::move(script)),
        hello_extra_(std::move(hello_extra)),
        listener_(Socket::listen(0)),
        port_(listener_.port()),
        acceptor_([this] { accept(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const Connection& one : connections_) one.socket.shutdown();
    }
    listener_.shutdown();
    acceptor_.join();
    for (Connection& one : connections_) one.thread.join();
  }

  std::uint16_t port() const { return port_; }

  std::vector<bson::Document> commands() const {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                  [](const Connection& one) { return one.open; }));
  }

  void cut() {
    const std::lock_guard lock(mutex_);
    for (const Connection& one : connections_) one.socket.shutdown();
  }
};

ScriptedServer::ScriptedServer(Script script, bson::Document hello_extra)
    : impl_(std::make_unique<Impl>(std::move(script), std::move(hello_extra))) {}
ScriptedServer::~ScriptedServer() = default;

std::uint16_t ScriptedServer::port() const { return impl_->port(); }

std::string ScriptedServer::uri() const {
  return "mongodb://127.0.0.1:" + std::to_string(port()) + "/";
}

std::vector<bson::Document> ScriptedServer::commands() const { return impl_->commands(); }

std::vector<bson::Document> ScriptedServer::commands(std::string_view name) const {
  std::vector<bson::Document> all = commands();
  std::erase_if(all, [&](const bson::Document& one) { return one.view().begin()->key != name; });
  return all;
}

std::size_t ScriptedServer::connections() const { return impl_->connections(); }
void ScriptedServer::cut() { impl_->cut(); }

}  // namespace gesso::testing
