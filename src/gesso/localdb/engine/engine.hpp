// The command layer: takes a message, runs the command it holds, gives the reply.
//
// Owned by the server; outlives the connections. Thread-safe: each connection calls `run` from its
// own thread, and is blocked for as long as its command takes.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/wire/message.hpp"

namespace gesso::localdb {

class Link;

class Engine {
  Services services_;
  std::unordered_map<std::string_view, const Command*> commands_;
  std::span<const Link* const> chain_;

 public:
  // Borrows the three and the dialect, which must outlive it. Reads the users from the store.
  Engine(EngineOptions options, Store& store, const Clock& clock, Random& random);

  struct Outcome {
    bson::Document reply;
    bool close = false;  // end the connection instead of replying
  };
  // Never throws for what the client did: that is in the reply.
  [[nodiscard]] Outcome run(Client& client, const wire::Message& message);

  // From now on running commands end with an error as soon as they look.
  void interrupt_all();
  [[nodiscard]] Services& services() noexcept { return services_; }

 private:
  void dispatch(Client& client, const wire::Message& message, bson::Builder& reply, bool& close);
};

}  // namespace gesso::localdb
