// A leased connection and the operations on it: what repositories are written against.
//
// A `Session` lives for one unit of work on one worker thread (see service.hpp) and must not leave
// it. Every call blocks that thread, honours the unit's deadline (`maxTimeMS`), retries reads and,
// where the server can, single writes once, and throws `gesso::Error` for failures. Documents in
// are borrowed for the call; documents out are owned by the caller.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/deadline.hpp"
#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/bson/view.hpp"
#include "gesso/mongo/batch_fsm.hpp"
#include "gesso/mongo/dialect.hpp"
#include "gesso/mongo/request_charge.hpp"

namespace gesso::mongo {

struct FindOptions {
  bson::Document sort = {};
  bson::Document projection = {};
  bson::Document hint = {};
  std::int64_t skip = 0;
  std::int64_t limit = 0;       // 0: all
  std::int32_t batch_size = 0;  // 0: the server's choice
};

enum class ReturnDocument { kBefore, kAfter };
enum class Upsert { kNo, kYes };

struct FindAndModifyOptions {
  ReturnDocument return_document = ReturnDocument::kAfter;
  Upsert upsert = Upsert::kNo;
  bson::Document sort = {};
  bson::Document projection = {};
};

// An update of one document, and an insert elsewhere.
struct UpdateThenInsert {
  std::string_view collection;
  bson::View filter;
  bson::View update;
  std::string_view into;  // the other collection
  bson::View document;    // with its `_id`
};

struct UpdateResult {
  std::int64_t matched = 0;
  std::int64_t modified = 0;
  bool upserted = false;
};

// What became of one item of a batch.
struct WriteFailure {
  std::size_t index = 0;  // its place in the batch
  Error error;
};

struct InsertManyResult {
  std::int64_t inserted = 0;
  std::vector<WriteFailure> failures;
};

// Documents of a query, fetched in batches. Holds its session's lease: it must not outlive the
// session. Move-only. Not thread-safe.
class Cursor {
 public:
  class Source;

 private:
  std::unique_ptr<Source> source_;

 public:
  explicit Cursor(std::unique_ptr<Source> source);
  Cursor(Cursor&&) noexcept;
  Cursor& operator=(Cursor&&) noexcept;
  ~Cursor();

  // The next document, valid until the next call; std::nullopt at the end. Blocks for a batch.
  [[nodiscard]] std::optional<bson::View> next();
};

class Session {
 public:
  class Impl;

 private:
  Impl& impl_;
  friend class ChangeStream;

 public:
  explicit Session(Impl& impl) : impl_(impl) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] Deadline deadline() const;
  [[nodiscard]] Dialect dialect() const { return traits().dialect; }
  // How the server differs from others. What is above mongo/ passes it on and does not look.
  [[nodiscard]] const DialectTraits& traits() const;
  // What the commands of this unit of work have cost so far, where the server tells it and this
  // unit is one of those that are asked about (ServiceOptions::charge_sampling); std::nullopt
  // elsewhere.
  [[nodiscard]] std::optional<RequestCharge> request_charge() const;
  // The database of the collections that are named below.
  [[nodiscard]] const std::string& database() const;

  // Runs any command, on `database()` or another one, and returns the reply. A reply with ok:0 is
  // thrown as an Error.
  [[nodiscard]] bson::Document run_command(bson::View command);
  [[nodiscard]] bson::Document run_command(std::string_view database, bson::View command);

  [[nodiscard]] std::optional<bson::Document> find_one(std::string_view collection,
                                                       bson::View filter,
                                                       const FindOptions& options = {});
  [[nodiscard]] Cursor find(std::string_view collection, bson::View filter,
                            const FindOptions& options = {});
  [[nodiscard]] Cursor aggregate(std::string_view collection, const bson::Array& pipeline);
  [[nodiscard]] std::int64_t count(std::string_view collection, bson::View filter,
                                   std::int64_t limit = 0);

  // REQUIRES: the document brings its `_id`. A taken unique value is an Error of kind kDuplicate
  // whose field() is known where the server says so.
  void insert_one(std::string_view collection, bson::View document);
  // Inserts the documents. Unordered, one refusal does not stop the others; ordered, nothing is
  // inserted behind the first that fails. What the server has no capacity for is sent again alone
  // while the deadline allows; then its failures are retryable.
  [[nodiscard]] InsertManyResult insert_many(std::string_view collection,
                                             std::span<const bson::Document> documents,
                                             BatchOrder order = BatchOrder::kUnordered);

  UpdateResult update_one(std::string_view collection, bson::View filter, bson::View update,
                          Upsert upsert = Upsert::kNo);
  // Updates a document and, if there was one, inserts the other; gives whether there was one. Two
  // commands, one after the other, and a crash may come between them; a server of this process does
  // both in one durable write. What the insert throws is thrown, and the update stays.
  bool update_then_insert(const UpdateThenInsert& both);
  UpdateResult update_many(std::string_view collection, bson::View filter, bson::View update);
  [[nodiscard]] std::optional<bson::Document> find_one_and_update(
      std::string_view collection, bson::View filter, bson::View update,
      const FindAndModifyOptions& options = {});
  // Both return the number of documents deleted. `delete_many` goes on where a server
  // stopped in the middle, since what is gone does not match any more.
  std::int64_t delete_one(std::string_view collection, bson::View filter);
  std::int64_t delete_many(std::string_view collection, bson::View filter);
};

}  // namespace gesso::mongo
