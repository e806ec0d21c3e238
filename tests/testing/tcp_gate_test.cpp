#include "gesso/testing/tcp_gate.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>

#include "gesso/testing/socket.hpp"

namespace gesso::testing {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

// Sends back what it gets, to any number of clients in turn.
class Echo {
  Socket listener_ = Socket::listen(0);
  std::jthread thread_{[this] {
    while (Socket client = listener_.accept()) {
      char byte = 0;
      while (client.read_all(&byte, 1) && client.write_all(&byte, 1)) {
      }
    }
  }};

 public:
  ~Echo() { listener_.shutdown(); }
  std::uint16_t port() const { return listener_.port(); }
};

class TcpGateTest : public ::testing::Test {
 protected:
  Echo echo;
  TcpGate gate{echo.port()};

  static bool echoes(const Socket& socket) {
    char byte = 'x';
    return socket.write_all(&byte, 1) && socket.read_all(&byte, 1) && byte == 'x';
  }
};

TEST_F(TcpGateTest, PassesBothWays) {
  const Socket client = Socket::connect(gate.port());
  ASSERT_TRUE(client);
  EXPECT_TRUE(echoes(client));
  EXPECT_EQ(gate.connections(), 1u);
}

TEST_F(TcpGateTest, RefusesAndComesBackOnTheSamePort) {
  const Socket before = Socket::connect(gate.port());
  ASSERT_TRUE(echoes(before));
  gate.refuse();
  EXPECT_FALSE(echoes(before));
  EXPECT_FALSE(Socket::connect(gate.port()));
  gate.pass();
  const Socket after = Socket::connect(gate.port());
  EXPECT_TRUE(echoes(after));
}

TEST_F(TcpGateTest, HoldsEverythingInTheBlackholeAndDeliversItLater) {
  const Socket client = Socket::connect(gate.port());
  ASSERT_TRUE(echoes(client));
  gate.blackhole();
  const char byte = 'y';
  ASSERT_TRUE(client.write_all(&byte, 1));
  std::jthread opener([this] {
    std::this_thread::sleep_for(30ms);  // the length of the hole, not a wait for something
    gate.pass();
  });
  const auto start = SteadyClock::now();
  char back = 0;
  ASSERT_TRUE(client.read_all(&back, 1));
  EXPECT_EQ(back, 'y');
  EXPECT_GE(SteadyClock::now() - start, 25ms);
}

TEST_F(TcpGateTest, DelaysEachDirection) {
  const Socket client = Socket::connect(gate.port());
  ASSERT_TRUE(echoes(client));
  gate.delay(20ms);
  const auto start = SteadyClock::now();
  EXPECT_TRUE(echoes(client));
  EXPECT_GE(SteadyClock::now() - start, 40ms);
}

TEST_F(TcpGateTest, CutsInTheMiddleOfAReply) {
  const Socket client = Socket::connect(gate.port());
  ASSERT_TRUE(echoes(client));
  gate.cut_after(3);
  const std::array<char, 5> sent{'a', 'b', 'c', 'd', 'e'};
  ASSERT_TRUE(client.write_all(sent.data(), sent.size()));
  std::array<char, 5> got{};
  EXPECT_FALSE(client.read_all(got.data(), got.size()));
}

}  // namespace
}  // namespace gesso::testing
