// What the server lets clients have of its connections, its memory and its time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <thread>

#include "gesso/http/detail/places.hpp"
#include "gesso/http/server.hpp"
#include "tests/http/raw_client.hpp"

namespace gesso::http {
namespace {

using namespace std::chrono_literals;
using testing::RawClient;
using testing::RawResponse;
using testing::request;

class LimitsTest : public ::testing::Test {
 protected:
  std::optional<Server> server;
  std::promise<Responder> waiting;

  void start(ServerOptions options) {
    options.port = 0;
    server.emplace(std::move(options), [this](Request asked, Responder respond) {
      if (asked.path == "/later") {
        waiting.set_value(std::move(respond));
      } else if (asked.path == "/large") {
        respond({.body = std::string(3'000'000, 'x')});
      } else if (asked.path == "/huge") {  // more than the kernel takes by itself
        respond({.body = std::string(20'000'000, 'x')});
      } else {
        respond({.body = std::to_string(asked.body.size())});
      }
    });
    server->start();
  }
  RawClient connect() { return RawClient(server->port()); }
  // Waits until so many bytes are held, or so few connections open.
  template <class Reached>
  static bool wait(Reached reached) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!reached()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  bool wait_for_bytes(std::size_t bytes) {
    return wait([&] { return server->outstanding_bytes() == bytes; });
  }
  static std::string beginning_of_post(std::size_t size) {
    return "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  }
};

TEST_F(LimitsTest, HoldsBodiesThatArriveUpToItsMemory) {
  start({.max_outstanding_bytes = 100'000});
  std::optional<RawClient> first = connect();
  first->send(beginning_of_post(90'001) + std::string(90'000, 'x'));
  ASSERT_TRUE(wait_for_bytes(90'000));

  RawClient second = connect();
  second.send(beginning_of_post(20'000) + std::string(20'000, 'x'));
  const RawResponse refused = second.read();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_EQ(refused.header("connection"), "close");
  EXPECT_THAT(refused.body, ::testing::HasSubstr("\"code\":\"overloaded\""));
  EXPECT_TRUE(second.closed());
  RawClient small = connect();  // what needs no memory goes on
  EXPECT_EQ(small.exchange(request("GET", "/")).status, 200);

  first->send("x");
  EXPECT_EQ(first->read().body, "90001");
  EXPECT_TRUE(wait_for_bytes(0));
  first->send(beginning_of_post(90'000) + std::string(80'000, 'x'));
  ASSERT_TRUE(wait_for_bytes(80'000));
  first.reset();
  EXPECT_TRUE(wait_for_bytes(0));
}

TEST_F(LimitsTest, HoldsABodyUntilItIsAnswered) {
  start({.max_outstanding_bytes = 100'000});
  RawClient client = connect();
  client.send(request("POST", "/later", "", std::string(60'000, 'x')));
  const Responder respond = waiting.get_future().get();
  EXPECT_EQ(server->outstanding_bytes(), 60'000u);
  RawClient second = connect();
  EXPECT_EQ(second.exchange(request("POST", "/", "", std::string(60'000, 'x'))).status, 503);
  respond({.body = "done"});
  EXPECT_EQ(client.read().body, "done");
  EXPECT_TRUE(wait_for_bytes(0));
}

TEST_F(LimitsTest, HoldsResponsesThatNobodyReadsUpToItsMemory) {
  start({.max_outstanding_bytes = 21'000'000});
  std::optional<RawClient> lazy = connect();
  lazy->send(request("GET", "/huge"));
  ASSERT_TRUE(wait_for_bytes(20'000'000));
  RawClient second = connect();
  const RawResponse refused = second.exchange(request("GET", "/large"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_TRUE(second.closed());
  lazy.reset();
  EXPECT_TRUE(wait_for_bytes(0));
  RawClient third = connect();
  EXPECT_EQ(third.exchange(request("GET", "/large")).body.size(), 3'000'000u);
}

TEST_F(LimitsTest, SendsSmallResponsesHoweverMuchItHolds) {
  start({.max_outstanding_bytes = 1});
  RawClient client = connect();
  EXPECT_EQ(client.exchange(request("GET", "/")).body, "0");
  EXPECT_EQ(client.exchange(request("GET", "/")).body, "0");
  EXPECT_TRUE(wait_for_bytes(0));
}

TEST_F(LimitsTest, HasALimitOfItsOwnForABody) {
  start(
      {.max_body_bytes = 10, .body_limit = [](Method method, std::string_view path) -> std::size_t {
         return method == Method::kPost && path == "/webhook" ? 1000 : 10;
       }});
  RawClient client = connect();
  EXPECT_EQ(client.exchange(request("POST", "/webhook", "", std::string(1000, 'x'))).body, "1000");
  EXPECT_EQ(client.exchange(request("POST", "/", "", std::string(10, 'x'))).body, "10");
  EXPECT_EQ(client.exchange(request("POST", "/", "", std::string(11, 'x'))).status, 413);
  RawClient larger = connect();
  EXPECT_EQ(larger.exchange(request("POST", "/webhook", "", std::string(1001, 'x'))).status, 413);
}

TEST_F(LimitsTest, TurnsAwayConnectionsOfAnAddressBeyondItsLimit) {
  start({.max_connections_per_address = 2});
  std::optional<RawClient> first = connect();
  RawClient second = connect();
  EXPECT_EQ(first->exchange(request("GET", "/")).status, 200);
  EXPECT_EQ(second.exchange(request("GET", "/")).status, 200);
  RawClient third = connect();
  const RawResponse refused = third.read();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_TRUE(third.closed());
  first.reset();
  ASSERT_TRUE(wait([this] { return server->connections() == 1; }));
  RawClient fourth = connect();
  EXPECT_EQ(fourth.exchange(request("GET", "/")).status, 200);
}

TEST_F(LimitsTest, LetsATrustedProxyHaveAsManyAsItNeeds) {
  start({.trusted_proxies = {"127.0.0.1"}, .max_connections_per_address = 1});
  RawClient first = connect();
  RawClient second = connect();
  EXPECT_EQ(first.exchange(request("GET", "/")).status, 200);
  EXPECT_EQ(second.exchange(request("GET", "/")).status, 200);
}

TEST_F(LimitsTest, CutsAClientThatDripsABody) {
  start({.header_timeout = 100ms, .request_timeout = 150ms});
  RawClient client = connect();
  client.send(beginning_of_post(1'000'000));
  // Each byte is progress, the whole is not.
  std::thread dripping([&] {
    while (client.send("x")) std::this_thread::yield();
  });
  std::string answer;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::recv(client.fd(), buffer, sizeof buffer, 0)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(count));
  }
  dripping.join();
  EXPECT_THAT(answer, ::testing::AnyOf(::testing::StartsWith("HTTP/1.1 408"),
                                       ::testing::StartsWith("HTTP/1.1 200")));
  EXPECT_TRUE(wait_for_bytes(0));
}

TEST_F(LimitsTest, CutsAClientThatDoesNotReadItsResponse) {
  start({.write_timeout = 100ms});
  RawClient client = connect();
  client.send(request("GET", "/huge"));
  ASSERT_TRUE(wait_for_bytes(20'000'000));
  EXPECT_TRUE(wait([this] { return server->connections() == 0; }));
  EXPECT_TRUE(wait_for_bytes(0));
}

TEST(Places, AreCountedInAllAndByAddress) {
  detail::Places places(3, 2);
  const IpAddress one = *IpAddress::parse("192.0.2.1");
  const IpAddress other = *IpAddress::parse("192.0.2.2");
  auto first = places.take(one, false);
  auto second = places.take(one, false);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(places.take(one, false));
  EXPECT_EQ(places.taken(), 2u);
  auto third = places.take(other, false);
  EXPECT_TRUE(third);
  EXPECT_FALSE(places.take(*IpAddress::parse("192.0.2.3"), true));
  first.reset();
  EXPECT_TRUE(places.take(one, false));
  EXPECT_EQ(places.taken(), 2u);
}

TEST(Places, CountANetworkOf64BitsOfIpv6AsOne) {
  detail::Places places(10, 1);
  const auto first = places.take(*IpAddress::parse("2001:db8::1"), false);
  EXPECT_FALSE(places.take(*IpAddress::parse("2001:db8::2"), false));
  EXPECT_TRUE(places.take(*IpAddress::parse("2001:db8:0:1::2"), false));
}

}  // namespace
}  // namespace gesso::http
