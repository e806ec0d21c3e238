// How a server ends without failing anybody, and who is told of answers that nobody got.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <stop_token>
#include <utility>

#include "gesso/http/server.hpp"
#include "tests/http/raw_client.hpp"

namespace gesso::http {
namespace {

using namespace std::chrono_literals;
using testing::RawClient;
using testing::RawResponse;
using testing::request;

class EndingTest : public ::testing::Test {
 protected:
  // What became of the answer to /later, which is set when the test answers.
  std::promise<std::pair<Request, Responder>> waiting;
  std::promise<std::string> outcome;
  std::optional<Server> server;

  void start(ServerOptions options = {}) {
    options.port = 0;
    server.emplace(std::move(options), [this](Request asked, Responder respond) {
      if (asked.path == "/later") {
        waiting.set_value({std::move(asked), std::move(respond)});
      } else {
        respond({.body = asked.path});
      }
    });
    server->start();
  }
  RawClient connect() { return RawClient(server->port()); }

  Response tracked(std::string body = "done") {
    return {.body = std::move(body),
            .delivery = std::make_shared<Delivery>([this] { outcome.set_value("lost"); })};
  }
  bool is_lost() { return outcome.get_future().wait_for(20s) == std::future_status::ready; }
  bool is_lost_by_now() { return outcome.get_future().wait_for(0s) == std::future_status::ready; }
};

TEST_F(EndingTest, ARetiredServerAnswersAndKeepsNoConnection) {
  start();
  RawClient before = connect();
  EXPECT_EQ(before.exchange(request("GET", "/a")).header("connection"), "");
  server->retire();
  const RawResponse last = before.exchange(request("GET", "/b"));
  EXPECT_EQ(last.body, "/b");
  EXPECT_EQ(last.header("connection"), "close");
  EXPECT_TRUE(before.closed());
  RawClient after = connect();
  EXPECT_EQ(after.exchange(request("GET", "/c")).body, "/c");
}

// A proxy sends on a connection that has been idle, and the server decides to end, at once.
TEST_F(EndingTest, AnswersWhatHadArrivedWhenItStopped) {
  // Its only I/O thread is busy, so that nothing is read before it stops.
  std::promise<void> go_on;
  std::promise<void> held;
  server.emplace(ServerOptions{.port = 0, .threads = 1},
                 [&](const Request& asked, const Responder& respond) {
                   if (asked.path == "/hold") {
                     held.set_value();
                     go_on.get_future().wait();
                   }
                   respond({.body = asked.path});
                 });
  server->start();
  RawClient idle = connect();
  EXPECT_EQ(idle.exchange(request("GET", "/first")).body, "/first");
  RawClient holding = connect();
  holding.send(request("GET", "/hold"));
  held.get_future().wait();
  idle.send(request("GET", "/second"));
  RawClient unaccepted = connect();
  unaccepted.send(request("GET", "/third"));
  const auto stopping = std::async(std::launch::async, [this] { server->stop(20s); });
  EXPECT_EQ(stopping.wait_for(100ms), std::future_status::timeout);  // it waits for that thread
  go_on.set_value();
  EXPECT_EQ(idle.read().body, "/second");
  EXPECT_EQ(unaccepted.read().body, "/third");
  EXPECT_EQ(holding.read().body, "/hold");
  stopping.wait();
  EXPECT_THROW(connect(), std::runtime_error);
}

TEST_F(EndingTest, WaitsForNobodyWhoHasConnectedAndAsksNothing) {
  start();
  RawClient silent = connect();
  const auto begun = std::chrono::steady_clock::now();
  server->stop(20s);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  EXPECT_TRUE(silent.closed());
}

TEST_F(EndingTest, AnAnswerThatIsTakenIsNotLost) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/later"));
  waiting.get_future().get().second(tracked());
  EXPECT_EQ(client.read().body, "done");
  EXPECT_EQ(client.exchange(request("GET", "/next")).body, "/next");  // it is through with it
  EXPECT_FALSE(is_lost_by_now());
}

TEST_F(EndingTest, AnAnswerIsLostWhenItsClientHasGone) {
  start();
  std::optional<RawClient> client = connect();
  client->send(request("GET", "/later"));
  const auto [asked, respond] = waiting.get_future().get();
  std::promise<void> gone;
  const std::stop_callback callback(asked.client_gone, [&] { gone.set_value(); });
  client.reset();
  gone.get_future().wait();
  respond(tracked());
  EXPECT_TRUE(is_lost());
}

TEST_F(EndingTest, AnAnswerIsLostThatItsClientDoesNotRead) {
  start({.write_timeout = 100ms});
  RawClient client = connect();
  client.send(request("GET", "/later"));
  waiting.get_future().get().second(tracked(std::string(20'000'000, 'x')));
  EXPECT_TRUE(is_lost());
}

TEST_F(EndingTest, AnAnswerIsLostThatComesAfterTheServer) {
  start();
  RawClient client = connect();
  client.send(request("GET", "/later"));
  const auto [asked, respond] = waiting.get_future().get();
  server->stop(1ms);
  server.reset();
  respond(tracked());
  EXPECT_TRUE(is_lost_by_now());
}

TEST_F(EndingTest, AnAnswerIsLostThatTakesTooMuchMemory) {
  start({.max_outstanding_bytes = 10});
  RawClient client = connect();
  client.send(request("GET", "/later"));
  waiting.get_future().get().second(tracked(std::string(100'000, 'x')));
  EXPECT_EQ(client.read().status, 503);
  EXPECT_TRUE(is_lost());
}

}  // namespace
}  // namespace gesso::http
