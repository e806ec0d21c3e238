#include "gesso/mongo/detail/local_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace gesso::mongo::detail {
namespace {

// The length of a message stands in its first four bytes.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
constexpr std::size_t kLengthSize = 4;

using Bytes = std::vector<std::uint8_t>;

// What is written, and what is there to be read.
class Exchange {
  LocalConnection connection_;  // empty once it was lost
  Bytes written_;               // and not yet a whole message
  Bytes answered_;
  std::size_t read_ = 0;  // of `answered_`

 public:
  explicit Exchange(LocalConnection connection) : connection_(std::move(connection)) {}

  [[nodiscard]] bool is_open() const { return connection_ != nullptr; }
  void close() { connection_ = nullptr; }

  void write(std::span<const std::uint8_t> bytes) {
    written_.insert(written_.end(), bytes.begin(), bytes.end());
  }

  // Answers the whole messages of what was written.
  void answer() {
    std::size_t done = 0;
    while (written_.size() - done >= kLengthSize) {
      std::uint32_t length = 0;
      std::memcpy(&length, written_.data() + done, sizeof length);
      if (written_.size() - done < length) break;
      try {
        const auto reply = connection_(std::span(written_).subspan(done, length));
        answered_.insert(answered_.end(), reply.begin(), reply.end());
      } catch (...) {  // a lost connection; the server says why
        return close();
      }
      done += length;
    }
    written_.erase(written_.begin(), written_.begin() + static_cast<std::ptrdiff_t>(done));
  }

  std::size_t read(void* to, std::size_t most) {
    const std::size_t size = std::min(most, answered_.size() - read_);
    if (size != 0) std::memcpy(to, answered_.data() + read_, size);
    read_ += size;
    if (read_ == answered_.size()) {
      answered_.clear();
      read_ = 0;
    }
    return size;
  }
};

// libmongoc passes and keeps a pointer to the first member.
struct LocalStream {
  mongoc_stream_t base{};
  Exchange* exchange = nullptr;
};
static_assert(std::is_standard_layout_v<LocalStream>);

LocalStream& self(mongoc_stream_t* stream) { return *reinterpret_cast<LocalStream*>(stream); }

void destroy(mongoc_stream_t* stream) {
  LocalStream* local = &self(stream);
  delete local->exchange;
  delete local;
}

int close(mongoc_stream_t* stream) {
  self(stream).exchange->close();
  return 0;
}

int flush(mongoc_stream_t* /*stream*/) { return 0; }

ssize_t writev(mongoc_stream_t* stream, mongoc_iovec_t* iov, std::size_t count,
               std::int32_t /*timeout*/) {
  Exchange& exchange = *self(stream).exchange;
  if (!exchange.is_open()) {
    errno = EPIPE;
    return -1;
  }
  // Called by C code, which an exception must not cross.
  try {
    std::size_t size = 0;
    for (const mongoc_iovec_t& part : std::span(iov, count)) {
      exchange.write({static_cast<const std::uint8_t*>(part.iov_base), part.iov_len});
      size += part.iov_len;
    }
    exchange.answer();
    return static_cast<ssize_t>(size);
  } catch (...) {  // out of memory: what is there may be half a message
    exchange.close();
    errno = ENOMEM;
    return -1;
  }
}

ssize_t readv(mongoc_stream_t* stream, mongoc_iovec_t* iov, std::size_t count,
              std::size_t /*min_bytes*/, std::int32_t /*timeout*/) {
  Exchange& exchange = *self(stream).exchange;
  std::size_t size = 0;
  for (const mongoc_iovec_t& part : std::span(iov, count)) {
    size += exchange.read(part.iov_base, part.iov_len);
  }
  return static_cast<ssize_t>(size);  // 0 is the end: all there will be is there already
}

int setsockopt(mongoc_stream_t* /*stream*/, int /*level*/, int /*name*/, void* /*value*/,
               mongoc_socklen_t /*length*/) {
  return 0;
}

bool check_closed(mongoc_stream_t* stream) { return !self(stream).exchange->is_open(); }

bool never(mongoc_stream_t* /*stream*/) { return false; }

// A number of libmongoc's that none of its own streams has.
constexpr int kStreamType = 0x6E56;

}  // namespace

mongoc_stream_t* make_local_stream(LocalConnection connection) {
  auto exchange = std::make_unique<Exchange>(std::move(connection));
  auto* stream = new LocalStream;
  stream->base.type = kStreamType;
  stream->base.destroy = destroy;
  stream->base.failed = destroy;
  stream->base.close = close;
  stream->base.flush = flush;
  stream->base.writev = writev;
  stream->base.readv = readv;
  stream->base.setsockopt = setsockopt;
  stream->base.check_closed = check_closed;
  stream->base.timed_out = never;
  stream->base.should_retry = never;
  stream->exchange = exchange.release();
  return &stream->base;
}

}  // namespace gesso::mongo::detail
