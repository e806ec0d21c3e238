// A response's body that is written piece by piece, from any thread, no faster than the client
// reads.
//
//   BodyStream stream = make_body_stream({.endless = true});
//   respond({.content_type = "text/event-stream", .stream = stream.source});
//   stream.writer.write("data: hello\n\n");  // now or later
//   stream.writer.finish();
//
// What is written waits in a buffer of bounded size until the connection takes all of it. A writer
// that is too quick is told `kFull` and keeps its piece until `when_ready` calls it. Pieces are
// never split or lost between the calls, and reach the client in order. On HTTP/1.1 the body is
// sent in chunks; on 1.0 the end of the connection ends it.
//
// Nothing here blocks. Thread-safe. Either end may go first: the state lives as long as both.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace gesso::http {

struct BodyStreamOptions {
  // How many bytes may wait. A single piece that is larger is taken when nothing waits.
  std::size_t capacity = 64 * 1024;
  // It has no end of its own, as a stream of events: a server that stops finishes it. Others go on
  // until their writer finishes them, and are cut when the server's grace is over.
  bool endless = false;
};

namespace detail {
class BodyPipe;
}

// The feeder's end. Copies share it; when the last one goes without `finish`, the connection is
// reset, so that no client takes a part for the whole.
class BodyWriter {
  class End;
  std::shared_ptr<End> end_;

 public:
  enum class Result {
    kTaken,
    kFull,    // nothing of it was taken: try again when `when_ready` says so
    kClosed,  // nobody reads any more: the client has gone, or there was no body to send
  };

  explicit BodyWriter(std::shared_ptr<detail::BodyPipe> pipe);

  Result write(std::string_view piece) const;

  // The body is whole. Writes after it are `kClosed`.
  void finish() const;

  // Calls `ready` once, when the next write will not be `kFull`: within this call where it is so
  // already, else later on a thread of the server, where it must not block. Takes the place of a
  // call that still waits.
  void when_ready(std::function<void()> ready) const;

  // Becomes set when nobody reads any more. Its callbacks run on a thread of the server.
  [[nodiscard]] std::stop_token closed() const noexcept;
};

// The connection's end. Closes when it is destroyed: a response that is dropped tells its writer.
class BodySource {
  std::shared_ptr<detail::BodyPipe> pipe_;

 public:
  enum class State {
    kOpen,      // more may come
    kFinished,  // what was taken is the last of it
    kAborted,   // the writer went away in the middle
  };

  explicit BodySource(std::shared_ptr<detail::BodyPipe> pipe) : pipe_(std::move(pipe)) {}
  ~BodySource();
  BodySource(const BodySource&) = delete;
  BodySource& operator=(const BodySource&) = delete;

  // What to call, once, on the writer's thread, after a `take` that found nothing, when there is
  // something again. REQUIRES: before the first `take`.
  void on_data(std::function<void()> wake);

  // Moves all that waits into `bytes`, whose memory it uses again.
  State take(std::string& bytes);

  [[nodiscard]] bool is_endless() const noexcept;
};

struct BodyStream {
  BodyWriter writer;
  std::shared_ptr<BodySource> source;  // for `Response::stream`
};

[[nodiscard]] BodyStream make_body_stream(BodyStreamOptions options = {});

}  // namespace gesso::http
