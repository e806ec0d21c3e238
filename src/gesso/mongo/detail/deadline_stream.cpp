#include "gesso/mongo/detail/deadline_stream.hpp"

#include <algorithm>
#include <exception>
#include <limits>
#include <new>
#include <type_traits>

// Exported by libmongoc, declared in a header that it does not install: what a client opens its
// connections with unless told otherwise (TCP, Unix sockets, TLS by the options of the URI).
extern "C" mongoc_stream_t* mongoc_client_default_stream_initiator(const mongoc_uri_t* uri,
                                                                   const mongoc_host_list_t* host,
                                                                   void* client,
                                                                   bson_error_t* error);

namespace gesso::mongo::detail {
namespace {

// A server that obeys maxTimeMS answers just after the deadline. Waiting for that answer is
// cheaper than a new connection.
constexpr std::chrono::milliseconds kGrace{250};

// libmongoc passes and keeps a pointer to the first member.
struct DeadlineStream {
  mongoc_stream_t base{};
  mongoc_stream_t* inner = nullptr;
  StreamLimits* limits = nullptr;
  std::uint64_t opened_at = 0;  // limits->commands then

  std::int32_t limit(std::int32_t timeout) const {
    if (timeout == 0 || !limits->deadline.is_set()) return timeout;
    std::chrono::milliseconds left = limits->deadline.remaining() + kGrace;
    if (limits->commands == opened_at) left = std::max(left, limits->connect_timeout);
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    const std::int64_t most = timeout < 0 ? kMost : timeout;
    return static_cast<std::int32_t>(std::min<std::int64_t>(left.count(), most));
  }
};
static_assert(std::is_standard_layout_v<DeadlineStream>);

DeadlineStream& self(mongoc_stream_t* stream) { return *reinterpret_cast<DeadlineStream*>(stream); }

void release(DeadlineStream& stream) {
  --stream.limits->open;
  --*stream.limits->open_in_service;
  delete &stream;
}

// A number of libmongoc's that none of its own streams has.
constexpr int kStreamType = 0x6E55;

void destroy(mongoc_stream_t* stream) {
  mongoc_stream_destroy(self(stream).inner);
  release(self(stream));
}

void failed(mongoc_stream_t* stream) {
  mongoc_stream_failed(self(stream).inner);
  release(self(stream));
}

int close(mongoc_stream_t* stream) { return mongoc_stream_close(self(stream).inner); }

int flush(mongoc_stream_t* stream) { return mongoc_stream_flush(self(stream).inner); }

ssize_t writev(mongoc_stream_t* stream, mongoc_iovec_t* iov, std::size_t count,
               std::int32_t timeout) {
  return mongoc_stream_writev(self(stream).inner, iov, count, self(stream).limit(timeout));
}

ssize_t readv(mongoc_stream_t* stream, mongoc_iovec_t* iov, std::size_t count,
              std::size_t min_bytes, std::int32_t timeout) {
  return mongoc_stream_readv(self(stream).inner, iov, count, min_bytes,
                             self(stream).limit(timeout));
}

int setsockopt(mongoc_stream_t* stream, int level, int name, void* value, mongoc_socklen_t length) {
  return mongoc_stream_setsockopt(self(stream).inner, level, name, value, length);
}

mongoc_stream_t* get_base_stream(mongoc_stream_t* stream) { return self(stream).inner; }

bool check_closed(mongoc_stream_t* stream) {
  return mongoc_stream_check_closed(self(stream).inner);
}

bool timed_out(mongoc_stream_t* stream) { return mongoc_stream_timed_out(self(stream).inner); }

bool should_retry(mongoc_stream_t* stream) {
  return mongoc_stream_should_retry(self(stream).inner);
}

mongoc_stream_t* open_or_throw(const mongoc_uri_t* uri, const mongoc_host_list_t* host, void* data,
                               bson_error_t* error) {
  auto& limits = *static_cast<StreamLimits*>(data);
  mongoc_stream_t* inner = mongoc_client_default_stream_initiator(uri, host, limits.client, error);
  if (inner == nullptr) return nullptr;
  auto* stream = new (std::nothrow) DeadlineStream;
  if (stream == nullptr) {
    mongoc_stream_destroy(inner);
    throw std::bad_alloc();
  }
  stream->base.type = kStreamType;
  stream->base.destroy = destroy;
  stream->base.failed = failed;
  stream->base.close = close;
  stream->base.flush = flush;
  stream->base.writev = writev;
  stream->base.readv = readv;
  stream->base.setsockopt = setsockopt;
  stream->base.get_base_stream = get_base_stream;
  stream->base.check_closed = check_closed;
  stream->base.timed_out = timed_out;
  stream->base.should_retry = should_retry;
  stream->inner = inner;
  stream->limits = &limits;
  stream->opened_at = limits.commands;
  ++limits.open;
  ++limits.opened;
  ++*limits.open_in_service;
  return &stream->base;
}

// Called by C code, which an exception must not cross.
mongoc_stream_t* open_stream(const mongoc_uri_t* uri, const mongoc_host_list_t* host, void* data,
                             bson_error_t* error) noexcept {
  try {
    return open_or_throw(uri, host, data, error);
  } catch (const std::exception& failure) {
    bson_set_error(error, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_CONNECT, "%s", failure.what());
  } catch (...) {
    bson_set_error(error, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_CONNECT,
                   "what opens connections threw something that is no std::exception");
  }
  return nullptr;
}

}  // namespace

void limit_streams(StreamLimits& limits) {
  mongoc_client_set_stream_initiator(limits.client, open_stream, &limits);
}

}  // namespace gesso::mongo::detail
