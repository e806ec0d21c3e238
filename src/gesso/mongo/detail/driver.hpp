// libmongoc's objects with owners, and what it keeps for the whole process. Internal to mongo/:
// the only header of the room that includes libmongoc's.
#pragma once

#include <mongoc/mongoc.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/mongo/errors.hpp"
#include "gesso/mongo/log.hpp"

namespace gesso::mongo::detail {

template <auto Destroy>
struct Destroyer {
  template <class T>
  void operator()(T* object) const noexcept {
    Destroy(object);
  }
};

using UriPtr = std::unique_ptr<mongoc_uri_t, Destroyer<mongoc_uri_destroy>>;
using PoolPtr = std::unique_ptr<mongoc_client_pool_t, Destroyer<mongoc_client_pool_destroy>>;
using CollectionPtr = std::unique_ptr<mongoc_collection_t, Destroyer<mongoc_collection_destroy>>;
using CursorPtr = std::unique_ptr<mongoc_cursor_t, Destroyer<mongoc_cursor_destroy>>;
using SessionPtr =
    std::unique_ptr<mongoc_client_session_t, Destroyer<mongoc_client_session_destroy>>;
using SessionOptionsPtr =
    std::unique_ptr<mongoc_session_opt_t, Destroyer<mongoc_session_opts_destroy>>;
using ApmPtr = std::unique_ptr<mongoc_apm_callbacks_t, Destroyer<mongoc_apm_callbacks_destroy>>;

// The reply that libmongoc fills, and frees itself.
class Reply {
  bson_t bson_;

 public:
  Reply() { bson_init(&bson_); }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() { bson_destroy(&bson_); }

  // For a call that initialises it anew: libmongoc's functions expect no initialised reply.
  [[nodiscard]] bson_t* reset() {
    bson_destroy(&bson_);
    return &bson_;
  }
  // Is empty from now on.
  void clear() {
    bson_destroy(&bson_);
    bson_init(&bson_);
  }
  // Shows another's bytes from now on, which must live as long as they are read.
  void borrow(bson::View document) {
    bson_destroy(&bson_);
    bson_init_static(&bson_, document.data(), document.size());
  }
  // Keeps bytes of its own of what it shows.
  void own() {
    bson_t copy;
    bson_copy_to(&bson_, &copy);
    bson_destroy(&bson_);
    bson_copy_to(&copy, &bson_);
    bson_destroy(&copy);
  }
  [[nodiscard]] bson::View view() const { return bson::View(bson_get_data(&bson_)); }
};

// Borrows the bytes of a document for a call.
class Borrowed {
  bson_t bson_;

 public:
  explicit Borrowed(bson::View document) {
    bson_init_static(&bson_, document.data(), document.size());
  }
  operator const bson_t*() const { return &bson_; }  // NOLINT: that is what it is for
};

[[nodiscard]] Origin origin_of(const bson_error_t& error) noexcept;

// `reply` is the server's, with `code` at its top; empty where there was none.
[[nodiscard]] Error to_error(const bson_error_t& error, bson::View reply,
                             const Operation& operation);

// Where log lines wait for their reader. Bounded: when nobody reads, the oldest go.
// Thread-safe; `push` blocks for no longer than a line takes to append.
class LogQueue {
  std::mutex mutex_;  // guards lines_
  std::deque<LogLine> lines_;
  std::function<void()> wake_;

 public:
  // `wake` is called after each push, on the pushing thread: it must not block.
  explicit LogQueue(std::function<void()> wake) : wake_(std::move(wake)) {}
  void push(LogLine line);
  [[nodiscard]] std::deque<LogLine> take();
};

// While one lives, libmongoc's lines from this thread are dropped: for a call whose warning is
// known and does not apply.
class Muted {
 public:
  Muted();
  ~Muted();
  Muted(const Muted&) = delete;
  Muted& operator=(const Muted&) = delete;
};

// Held by everything that uses libmongoc. The first one initialises it; it is cleaned up when the
// process ends, since it cannot be initialised twice. libmongoc has one log handler for the
// process: each line goes to every queue that is registered. (This, and nothing else, is state of
// the process, and it is libmongoc's.)
class Runtime {
  std::shared_ptr<LogQueue> queue_;

 public:
  explicit Runtime(std::shared_ptr<LogQueue> queue);  // may be null
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
};

}  // namespace gesso::mongo::detail
