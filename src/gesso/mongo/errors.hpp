// From what a server or the driver says to `gesso::Error`: the one place where that is decided.
//
// `retryable()` is true where the same call may be made again without doing anything twice: the
// command was a read, was never sent, or the server says that it changed nothing. Sources: the
// driver specifications' error codes, and for Azure Cosmos DB its error table and the texts that
// users report. Pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/base/error.hpp"
#include "gesso/bson/view.hpp"
#include "gesso/mongo/dialect.hpp"

namespace gesso::mongo {

// Where a failure arose.
enum class Origin {
  kServer,          // an answer with a code
  kWriteConcern,    // done, but not confirmed as asked
  kNetwork,         // the connection was lost while a command was out
  kNotSent,         // no server was found or reached; nothing was sent
  kAuthentication,  // refused while opening a connection
  kDriver,          // the driver did not take the command
};

// What was being done.
struct Operation {
  std::string_view name;  // "find", "insert", ...
  std::string ns;         // "database.collection"
  bool is_write = false;
  bool deadline_passed = false;
  // An earlier attempt at this write may have taken effect, whatever became of the last one.
  bool fate_unknown = false;
  Dialect dialect = Dialect::kMongoDb;
};

// The Error for a failure. `details` is the server's reply, or the entry of `writeErrors`: the one
// that holds `code`.
[[nodiscard]] Error make_error(Origin origin, int code, std::string_view message,
                               bson::View details, const Operation& operation);

// The Error for an entry of a reply's `writeErrors`.
[[nodiscard]] Error to_error(bson::View write_error, const Operation& operation);

// Whether a read that failed so is worth one more try at once
// (the driver specification "retryable reads").
[[nodiscard]] bool is_retryable_read(Origin origin, int code) noexcept;

// Whether a write that failed so, and that carried a number by which the server knows it again, is
// worth one more try at once (the driver specification "retryable writes"). `reply` may carry the
// server's own label.
[[nodiscard]] bool is_retryable_write(Origin origin, int code, bson::View reply) noexcept;

// Whether the server had no capacity for a command, and did nothing of it: Azure Cosmos DB's 16500.
[[nodiscard]] bool is_throttled(int code, std::string_view message) noexcept;

constexpr int kThrottledCode = 16500;

// Whether an entry of `writeErrors`, or a whole reply, says that the server had no capacity.
[[nodiscard]] bool is_throttled(bson::View write_error) noexcept;

// The text of an entry of `writeErrors`; borrows it.
[[nodiscard]] std::string_view message_of(bson::View write_error);

// How long the server wants to be left alone, where its text says so ("RetryAfterMs=34").
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_after(std::string_view message);

// Whether the server refuses these credentials, at the handshake or with every command since they
// were changed: codes 13 and 18 (Azure Cosmos DB sends 13 for both) and 391 (the token of the
// log-in has ended), and nothing was done.
[[nodiscard]] bool refuses_credentials(Origin origin, int code, std::string_view message) noexcept;

}  // namespace gesso::mongo
