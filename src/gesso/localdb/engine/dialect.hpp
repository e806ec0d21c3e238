// What makes the engine answer as another server does: its commands and refusals, how it presents
// itself, its rules for indexes, and what it charges for each piece of work.
//
// The plain Dialect is localdb's own: it adds nothing, and the engine asks it nothing on the way of
// a document. Another one is a subclass in a room of its own. Owned by whoever makes the engine,
// which borrows it. Thread-safe; nothing here blocks but `Ledger::pause`.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/index/spec.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/plan/plan.hpp"
#include "gesso/localdb/plan/watch.hpp"
#include "gesso/localdb/storage/storage_error.hpp"
#include "gesso/localdb/storage/write_transaction.hpp"
#include "gesso/localdb/wire/message.hpp"

namespace gesso::localdb {

class Link;

// Work that was refused because there is no budget left for it at this moment. Nothing of it was
// done.
class Throttled : public CommandError {
 public:
  using CommandError::CommandError;
};

// What a query is for: it decides what its documents cost.
enum class QueryUse : int {
  kFind,      // they are returned
  kPipeline,  // they are read by the stages of an aggregation, `count` or `distinct`
  kWrite,     // they are changed, at a price of their own
};

// The account of one command. Made by a link of the dialect's chain, used by one thread at a time.
// Each piece of work is asked for before it is done, and charged: a batch is refused item by item.
class Ledger {
 public:
  Ledger() = default;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;
  virtual ~Ledger() = default;

  // A query begins. Narrows `request` to what this server does. Throws Throttled, or CommandError
  // for a query that this server refuses.
  [[nodiscard]] virtual std::shared_ptr<Watch> begin(const CollectionPtr& collection,
                                                     PlanRequest& request, QueryUse use) = 0;
  // The queries that a cursor goes on with in another command, and that one's taking over. `resume`
  // throws Throttled.
  [[nodiscard]] virtual std::vector<std::shared_ptr<Watch>> hand_over() = 0;
  virtual void resume(const std::vector<std::shared_ptr<Watch>>& watches) = 0;

  // The document as it is to be stored, valid until the next call of anything here. `before` and
  // `after` are as clients see them. Throw Throttled, or CommandError for what this server refuses.
  // `insert` takes out of the way what clients do not see any more.
  [[nodiscard]] virtual bson::View insert(Writer& writer, const Collection& collection,
                                          bson::View document) = 0;
  [[nodiscard]] virtual bson::View update(const Collection& collection, bson::View before,
                                          bson::View after) = 0;
  virtual void remove(const Collection& collection, bson::View document) = 0;
  // What clients see of a stored document, valid as above; std::nullopt for nothing.
  [[nodiscard]] virtual std::optional<bson::View> visible(const Collection& collection,
                                                          bson::View stored) = 0;

  // Whether what was refused is tried again by the server itself.
  [[nodiscard]] virtual bool waits() const = 0;
  // Waits until what was refused may be tried again, or throws the Throttled that the client gets.
  // Must not be called within an operation of the store's writer.
  virtual void pause(const Throttled& refusal) = 0;
};

// What clients learn of a server when they connect: the version whose behaviour they may count on.
// A wire version of 25 or more would make drivers use the command `bulkWrite`.
struct Presentation {
  std::array<int, 3> version = {7, 0, 0};
  int max_wire_version = 21;
  std::size_t max_message_bytes = wire::kMaxMessageSize;
  std::size_t max_write_batch = kMaxWriteBatch;
  bool says_localdb = true;  // that it is localdb, beside the server that it stands for

  // Drivers refuse a reply that is longer than the longest message.
  [[nodiscard]] std::size_t max_batch_bytes() const {
    return std::min(BatchLimits::kMaxBytes, max_message_bytes - BatchLimits::kAroundBytes);
  }
};

// What a dialect remembers of a connection.
struct ClientNote {
  virtual ~ClientNote() = default;
};

class Dialect {
 public:
  Dialect() = default;
  Dialect(const Dialect&) = delete;
  Dialect& operator=(const Dialect&) = delete;
  virtual ~Dialect() = default;

  [[nodiscard]] virtual Presentation presentation() const { return {}; }
  // Fields of hello beside those that the presentation says.
  virtual void append_hello(bson::Builder& /*reply*/) const {}
  // Throws CommandError for a command that this server does not have, or not for this client.
  virtual void check_command(std::string_view /*name*/, const Client& /*client*/) const {}
  // Commands beside the engine's own, or in the place of those of the same name.
  [[nodiscard]] virtual std::span<const Command> commands() const { return {}; }
  // What every command goes through, the last link runs it.
  [[nodiscard]] virtual std::span<const Link* const> chain() const;
  // One element of createIndexes' `indexes`. Throws CommandError.
  [[nodiscard]] virtual std::shared_ptr<const IndexSpec> parse_index(bson::View description) const;
  // Throws CommandError for an index that the collection, as it is now, cannot get.
  virtual void check_index(const WriteTransaction& /*write*/, const Collection& /*collection*/,
                           const IndexSpec& /*index*/) const {}
  // What a client is told of a fault.
  [[nodiscard]] virtual CommandError refusal_of(const StorageError& error) const;
  // The reply of a command that failed; std::nullopt for the usual one.
  [[nodiscard]] virtual std::optional<bson::Document> error_reply(
      const CommandError& /*error*/) const {
    return std::nullopt;
  }
  // Whether clients do not see the collection, and what they see of its options.
  [[nodiscard]] virtual bool is_hidden(const Collection& /*collection*/) const { return false; }
  [[nodiscard]] virtual bson::Document shown_options(const Collection& collection) const {
    return collection.options;
  }
};

}  // namespace gesso::localdb
