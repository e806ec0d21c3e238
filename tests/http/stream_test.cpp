// Responses in pieces, and what a handler learns of a client that goes.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "gesso/http/body_stream.hpp"
#include "gesso/http/event_stream.hpp"
#include "gesso/http/server.hpp"
#include "tests/http/raw_client.hpp"

namespace gesso::http {
namespace {

using namespace std::chrono_literals;
using testing::RawClient;
using testing::RawResponse;
using testing::request;
using Result = BodyWriter::Result;

// Set by a callback, waited for by the test.
class Flag {
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;

 public:
  void set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [this] { return set_; });
  }
  bool is_set() {
    const std::lock_guard lock(mutex_);
    return set_;
  }
};

// Whether nobody reads the stream any more, now or soon.
bool is_closed(const BodyWriter& writer) {
  Flag closed;
  const std::stop_callback callback(writer.closed(), [&] { closed.set(); });
  return closed.wait();
}

void reset(RawClient client) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

// `/stream` and `/events` answer with a stream that the test writes, `/later` leaves the answer to
// the test, `/none` and `/old` have a status without a body.
class StreamTest : public ::testing::Test {
 protected:
  std::promise<BodyWriter> fed;
  std::promise<std::pair<Request, Responder>> waiting;
  std::size_t capacity = 64 * 1024;
  std::optional<Server> server;

  void start(ServerOptions options = {}) {
    options.port = 0;
    server.emplace(std::move(options), [this](Request asked, Responder respond) {
      if (asked.path == "/later") {
        waiting.set_value({std::move(asked), std::move(respond)});
      } else if (asked.path == "/plain") {
        respond({.content_type = "text/plain", .body = "plain"});
      } else {
        const bool is_events = asked.path == "/events";
        BodyStream stream = make_body_stream({.capacity = capacity, .endless = is_events});
        Response response = event_stream_response(stream.source);
        if (asked.path == "/none") response = {.status = 204, .stream = stream.source};
        stream.source.reset();
        respond(std::move(response));
        fed.set_value(std::move(stream.writer));
      }
    });
    server->start();
  }
  RawClient connect() { return RawClient(server->port()); }
};

TEST_F(StreamTest, SendsEachPieceAsItComesAndKeepsTheConnection) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/events"));
  const RawResponse head = client.read_head();  // before there is anything to send
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(head.header("transfer-encoding"), "chunked");
  EXPECT_FALSE(head.headers.contains("content-length"));
  EXPECT_FALSE(head.headers.contains("connection"));
  const BodyWriter writer = fed.get_future().get();
  EXPECT_EQ(writer.write("data: one\n\n"), Result::kTaken);
  EXPECT_EQ(client.read_chunk(), "data: one\n\n");
  EXPECT_EQ(writer.write("data: two\n\n"), Result::kTaken);
  EXPECT_EQ(client.read_chunk(), "data: two\n\n");
  writer.finish();
  EXPECT_EQ(client.read_chunk(), "");
  EXPECT_TRUE(is_closed(writer));
  EXPECT_EQ(client.exchange(request("GET", "/plain")).body, "plain");
}

TEST_F(StreamTest, EndsWithTheConnectionOnHttp10) {
  start();
  RawClient client = connect();
  client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const RawResponse head = client.read_head();
  EXPECT_FALSE(head.headers.contains("transfer-encoding"));
  EXPECT_FALSE(head.headers.contains("content-length"));
  EXPECT_EQ(head.header("connection"), "close");
  const BodyWriter writer = fed.get_future().get();
  writer.write("one ");
  writer.write("two");
  writer.finish();
  EXPECT_EQ(client.read_rest(), "one two");
}

TEST_F(StreamTest, SendsNoBodyWhereThereIsNone) {
  start();
  RawClient client = connect();
  client.send(request("HEAD", "/stream"));
  EXPECT_EQ(client.read(true).header("transfer-encoding"), "chunked");
  EXPECT_TRUE(is_closed(fed.get_future().get()));
  fed = {};
  client.send(request("GET", "/none"));
  const RawResponse none = client.read();
  EXPECT_EQ(none.status, 204);
  EXPECT_FALSE(none.headers.contains("transfer-encoding"));
  EXPECT_TRUE(is_closed(fed.get_future().get()));
  EXPECT_EQ(client.exchange(request("GET", "/plain")).body, "plain");
}

TEST_F(StreamTest, ResetsTheConnectionOfABodyThatItsWriterLeft) {
  start();
  RawClient client = connect();
  client.send("GET /stream HTTP/1.0\r\n\r\n");
  client.read_head();
  {
    const BodyWriter writer = fed.get_future().get();
    writer.write("a part");
  }
  char byte = 0;
  ssize_t count = 0;
  while ((count = ::recv(client.fd(), &byte, 1, 0)) > 0) {
  }
  EXPECT_EQ(count, -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(StreamTest, HoldsAWriterThatIsQuickerThanItsClient) {
  capacity = 65'536;
  start();
  RawClient client = connect();
  client.send(request("GET", "/stream"));
  client.read_head();
  const BodyWriter writer = fed.get_future().get();
  // The kernel's buffers are filled too before the server's are.
  const std::string piece(capacity, 'x');
  std::size_t written = 0;
  for (bool stuck = false; !stuck;) {
    switch (writer.write(piece)) {
      case Result::kTaken:
        written += piece.size();
        ASSERT_LT(written, 100'000'000u);
        break;
      case Result::kFull: {
        Flag ready;
        writer.when_ready([&] { ready.set(); });
        // Stuck when it is not called although the server has nothing else to do: the other
        // connection's request is behind what it did for this one.
        for (int i = 0; i < 50 && !ready.is_set(); ++i) {
          RawClient other = connect();
          EXPECT_EQ(other.exchange(request("GET", "/plain")).status, 200);
        }
        stuck = !ready.is_set();
        if (stuck) {
          EXPECT_LE(server->outstanding_bytes(), 2 * capacity);
          // Reading makes room again.
          std::size_t got = 0;
          while (got < written) got += client.read_chunk().size();
          EXPECT_TRUE(ready.wait());
        }
        break;
      }
      case Result::kClosed:
        FAIL() << "closed after " << written;
    }
  }
  writer.finish();
  EXPECT_EQ(client.read_chunk(), "");
}

TEST_F(StreamTest, CutsAClientThatDoesNotRead) {
  start({.write_timeout = 100ms});
  RawClient client = connect();
  client.send(request("GET", "/stream"));
  const BodyWriter writer = fed.get_future().get();
  // A pause of the writer is none of the client's.
  RawClient other = connect();
  const std::string megabyte(1'000'000, 'x');
  for (Result result = Result::kTaken; result != Result::kClosed;) {
    result = writer.write(megabyte);
    if (result == Result::kFull) {
      Flag ready;
      writer.when_ready([&] { ready.set(); });
      ASSERT_TRUE(ready.wait());
    }
  }
  EXPECT_TRUE(is_closed(writer));
}

TEST_F(StreamTest, WaitsForAWriterForAsLongAsItTakes) {
  start({.header_timeout = 20ms,
         .request_timeout = 20ms,
         .write_timeout = 20ms,
         .idle_timeout = 20ms});
  RawClient client = connect();
  client.send(request("GET", "/stream"));
  const BodyWriter writer = fed.get_future().get();
  client.read_head();
  RawClient idle = connect();
  EXPECT_TRUE(idle.closed());  // at least one round of timeouts has passed
  RawClient second = connect();
  EXPECT_TRUE(second.closed());
  writer.write("late");
  EXPECT_EQ(client.read_chunk(), "late");
}

TEST_F(StreamTest, TellsAWriterThatItsClientWent) {
  start();
  std::optional<RawClient> client = connect();
  client->send(request("GET", "/events"));
  client->read_head();
  const BodyWriter writer = fed.get_future().get();
  client.reset();
  EXPECT_TRUE(is_closed(writer));
  EXPECT_EQ(writer.write("x"), Result::kClosed);
}

TEST_F(StreamTest, FinishesEventsWhenTheServerStops) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/events"));
  client.read_head();
  const BodyWriter writer = fed.get_future().get();
  writer.write("data: last\n\n");
  EXPECT_EQ(client.read_chunk(), "data: last\n\n");
  const auto begun = std::chrono::steady_clock::now();
  std::thread stopping([this] { server->stop(20s); });
  EXPECT_EQ(client.read_chunk(), "");
  EXPECT_TRUE(client.closed());
  stopping.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  EXPECT_TRUE(is_closed(writer));
}

TEST_F(StreamTest, LetsABodyThatHasAnEndComeToIt) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/stream"));
  client.read_head();
  const BodyWriter writer = fed.get_future().get();
  RawClient idle = connect();
  EXPECT_EQ(idle.exchange(request("GET", "/plain")).status, 200);
  std::thread stopping([this] { server->stop(20s); });
  EXPECT_TRUE(idle.closed());  // draining has begun
  EXPECT_EQ(writer.write("the rest"), Result::kTaken);
  writer.finish();
  EXPECT_EQ(client.read_chunk(), "the rest");
  EXPECT_EQ(client.read_chunk(), "");
  EXPECT_TRUE(client.closed());
  stopping.join();
}

TEST_F(StreamTest, ClosesStreamsThatOutlastTheGraceAndOutlivesTheirWriters) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/stream"));
  client.read_head();
  const BodyWriter writer = fed.get_future().get();
  server->stop(10ms);
  EXPECT_TRUE(writer.closed().stop_requested());
  server.reset();
  EXPECT_EQ(writer.write("to nobody"), Result::kClosed);
}

TEST_F(StreamTest, AnswersAPipelinedRequestBehindAStream) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/stream") + request("GET", "/plain"));
  const BodyWriter writer = fed.get_future().get();
  writer.write("x");
  writer.finish();
  EXPECT_EQ(client.read().body, "x");
  EXPECT_EQ(client.read().body, "plain");
}

TEST_F(StreamTest, TellsAHandlerThatItsClientWent) {
  start();
  for (const bool by_reset : {false, true}) {
    waiting = {};
    RawClient client = connect();
    client.send(request("GET", "/later"));
    const auto [asked, respond] = waiting.get_future().get();
    EXPECT_FALSE(asked.client_gone.stop_requested());
    Flag gone;
    const std::stop_callback callback(asked.client_gone, [&] { gone.set(); });
    if (by_reset) {
      reset(std::move(client));
    } else {
      RawClient closing = std::move(client);
    }
    EXPECT_TRUE(gone.wait()) << by_reset;
    respond({.body = "to nobody"});
  }
}

TEST_F(StreamTest, TellsAHandlerThatItsClientWentBehindAPipelinedRequest) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/later") + request("GET", "/plain"));
  const auto [asked, respond] = waiting.get_future().get();
  Flag gone;
  const std::stop_callback callback(asked.client_gone, [&] { gone.set(); });
  reset(std::move(client));
  EXPECT_TRUE(gone.wait());
}

TEST_F(StreamTest, AnswersAClientThatClosedItsSendingHalfOnly) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/later"));
  ::shutdown(client.fd(), SHUT_WR);
  const auto [asked, respond] = waiting.get_future().get();
  Flag gone;
  const std::stop_callback callback(asked.client_gone, [&] { gone.set(); });
  EXPECT_TRUE(gone.wait());
  respond({.body = "late"});
  EXPECT_EQ(client.read().body, "late");
  EXPECT_TRUE(client.closed());
}

TEST_F(StreamTest, BeginsNoStreamForAClientThatWent) {
  start();
  std::optional<RawClient> client = connect();
  client->send(request("GET", "/later"));
  const auto [asked, respond] = waiting.get_future().get();
  Flag gone;
  const std::stop_callback callback(asked.client_gone, [&] { gone.set(); });
  client.reset();
  EXPECT_TRUE(gone.wait());
  BodyStream stream = make_body_stream();
  respond({.stream = std::move(stream.source)});
  EXPECT_TRUE(is_closed(stream.writer));
}

TEST_F(StreamTest, ReadsNoMoreAheadThanItsBuffer) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/later"));
  const auto [asked, respond] = waiting.get_future().get();
  // As much as the kernel takes: the rest waits there, and not in the server.
  const std::string junk(64 * 1024, 'x');
  std::size_t sent = 0;
  for (;;) {
    const ssize_t count =
        ::send(client.fd(), junk.data(), junk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) break;
    sent += static_cast<std::size_t>(count);
    ASSERT_LT(sent, 100'000'000u);
  }
  EXPECT_FALSE(asked.client_gone.stop_requested());
  respond({.body = "late"});
  EXPECT_EQ(client.read().body, "late");
  EXPECT_EQ(client.read().status, 431);
}

TEST_F(StreamTest, TellsAHandlerThatTheServerCutIt) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/later"));
  const auto [asked, respond] = waiting.get_future().get();
  server->stop(10ms);
  EXPECT_TRUE(asked.client_gone.stop_requested());
}

}  // namespace
}  // namespace gesso::http
