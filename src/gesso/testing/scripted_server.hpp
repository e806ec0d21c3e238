// A server of the MongoDB wire protocol that answers what a test's script says and keeps the
// commands it was sent, for assertions on what went over the wire.
//
// Speaks OP_MSG (document sequences become arrays of the command) and the OP_QUERY of the first
// handshake, on a free port of 127.0.0.1, one thread a connection. Owned by the test; its
// destructor ends the connections and joins. `commands()` is thread-safe; the script is never
// called by two threads at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::testing {

// What to do about one command.
struct Answer {
  enum class Kind {
    kReply,  // `document`
    // What an empty server says: hello, ping, buildInfo, endSessions, find; error 59 for others.
    kStandard,
    kHangUp,  // close the connection without a word
  };
  Kind kind = Kind::kStandard;
  bson::Document document = {};

  [[nodiscard]] static Answer reply(bson::Document document) {
    return {.kind = Kind::kReply, .document = std::move(document)};
  }
  [[nodiscard]] static Answer standard() { return {}; }
  [[nodiscard]] static Answer hang_up() { return {.kind = Kind::kHangUp}; }
  // {ok: 1}
  [[nodiscard]] static Answer ok() { return reply(bson::make_document("ok", 1.0)); }
  // {ok: 0, code, errmsg}
  [[nodiscard]] static Answer error(std::int32_t code, std::string_view message) {
    return reply(bson::make_document("ok", 0.0, "code", code, "errmsg", message));
  }
  // The one batch of a find or an aggregate.
  [[nodiscard]] static Answer batch(std::string_view ns, bson::Array documents) {
    return reply(bson::make_document(
        "cursor", bson::make_document("firstBatch", documents, "id", std::int64_t{0}, "ns", ns),
        "ok", 1.0));
  }
};

class ScriptedServer {
 public:
  class Impl;
  // Given a command with its `$db` and its name as the first key. Handshakes and heartbeats
  // (hello, isMaster) are answered before the script.
  using Script = std::function<Answer(bson::View command)>;

 private:
  std::unique_ptr<Impl> impl_;

 public:
  // `hello_extra` is added to every answer to hello, {setName: ...} for one.
  explicit ScriptedServer(Script script, bson::Document hello_extra = {});
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // "mongodb://127.0.0.1:PORT/"
  [[nodiscard]] std::string uri() const;

  // All that the script was asked, in order.
  [[nodiscard]] std::vector<bson::Document> commands() const;
  // The commands of one name that the script was asked, in order.
  [[nodiscard]] std::vector<bson::Document> commands(std::string_view name) const;
  // How many connections are open now, heartbeats' included.
  [[nodiscard]] std::size_t connections() const;
  // Ends all connections that are open; new ones are accepted.
  void cut();
};

}  // namespace gesso::testing
