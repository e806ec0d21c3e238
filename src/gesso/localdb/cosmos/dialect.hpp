// localdb as Azure Cosmos DB for MongoDB (RU): the dialect that an engine is given.
//
//   CosmosDialect dialect({.ru = 400}, clock, random);
//   Engine engine({.dialect = &dialect}, store, clock, random);
//
// The store has to be opened with `cosmos::read_index`, and an engine with any dialect may open it
// so. Owned by whoever owns the engine, and outlives it. Thread-safe.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/localdb/cosmos/documents.hpp"
#include "gesso/localdb/cosmos/numbered_writes.hpp"
#include "gesso/localdb/cosmos/throughput.hpp"
#include "gesso/localdb/cosmos_options.hpp"
#include "gesso/localdb/engine/dialect.hpp"

namespace gesso::localdb::cosmos {

// What getLastRequestStatistics tells: of the last command of a connection.
struct Statistics {
  std::string command;
  double charge = 0;
  std::int64_t duration_ms = 0;
  std::int64_t delay_ms = 0;  // for the rate limit
  std::string activity_id;
};
struct Connection final : ClientNote {
  Statistics last;
};

// A failure of an extension command, which is told under `errMsg`.
class ExtensionError : public CommandError {
 public:
  using CommandError::CommandError;
};

// Whether an index is made together with its collection or added to one.
enum class MadeWith { kCollection, kCommand };

class CosmosDialect final : public Dialect {
  const CosmosOptions options_;
  const Clock& clock_;
  Random& random_;
  mutable Throughput throughput_;
  mutable NumberedWrites numbered_writes_;
  mutable std::atomic<Stamp> last_stamp_ = 0;
  mutable std::mutex mutex_;  // guards `host_`
  std::string host_;

 public:
  CosmosDialect(CosmosOptions options, const Clock& clock, Random& random);

  [[nodiscard]] const CosmosOptions& options() const noexcept { return options_; }
  [[nodiscard]] const Clock& clock() const noexcept { return clock_; }
  [[nodiscard]] Random& random() const noexcept { return random_; }
  [[nodiscard]] Throughput& throughput() const noexcept { return throughput_; }
  [[nodiscard]] NumberedWrites& numbered_writes() const noexcept { return numbered_writes_; }
  [[nodiscard]] bool can(std::string_view capability) const {
    return options_.capabilities.contains(std::string(capability));
  }
  // Whether the server waits instead of refusing.
  [[nodiscard]] bool retries() const { return options_.ssr || can("DisableRateLimitingResponses"); }
  [[nodiscard]] std::size_t max_document_bytes() const;
  // Of a change that is being made: later than all before it. Called in the writer's turn, where
  // stamps are to be in the order of commits.
  [[nodiscard]] Stamp next_stamp() const;
  [[nodiscard]] Stamp last_stamp() const noexcept { return last_stamp_.load(); }
  // The address that hello gives, where the options have none.
  void listens_at(std::string host);

  [[nodiscard]] Presentation presentation() const override;
  void append_hello(bson::Builder& reply) const override;
  void check_command(std::string_view name, const Client& client) const override;
  [[nodiscard]] std::span<const Command> commands() const override;
  [[nodiscard]] std::span<const Link* const> chain() const override;
  [[nodiscard]] std::shared_ptr<const IndexSpec> parse_index(bson::View description) const override;
  void check_index(const WriteTransaction& write, const Collection& collection,
                   const IndexSpec& index) const override {
    check_index_of(write, collection, index, MadeWith::kCommand);
  }
  void check_index_of(const WriteTransaction& write, const Collection& collection,
                      const IndexSpec& index, MadeWith made_with) const;
  [[nodiscard]] std::optional<bson::Document> error_reply(const CommandError& error) const override;
  [[nodiscard]] bool is_hidden(const Collection& collection) const override;
  [[nodiscard]] bson::Document shown_options(const Collection& collection) const override;
  [[nodiscard]] CommandError refusal_of(const StorageError& error) const override;
};

// The dialect of a command's engine. REQUIRES: it is this one.
[[nodiscard]] const CosmosDialect& dialect_of(const Context& context);

// A backend's refusal in the words of section 1.4: `Error=2, Details='Response status code ...`.
[[nodiscard]] CommandError backend_error(const CosmosDialect& dialect, int code,
                                         std::string_view http, std::string_view error);

}  // namespace gesso::localdb::cosmos
