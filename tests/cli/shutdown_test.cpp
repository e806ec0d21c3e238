// What a signal to end leaves behind: nothing that was taken in advance or not written down yet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <memory>
#include <string>

#include "tests/cli/program.hpp"
#include "tests/http/raw_client.hpp"

namespace gesso::cli {
namespace {

namespace json = boost::json;
using http::testing::RawClient;
using http::testing::RawResponse;
using http::testing::request;
using ::testing::HasSubstr;
using testing::Outcome;
using testing::Program;

class ShutdownTest : public ::testing::Test {
 protected:
  gesso::testing::TempDir folder;
  std::unique_ptr<Program> program;
  std::uint16_t port = 0;

  void serve(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"serve",
                                       "--listen",
                                       "127.0.0.1:0",
                                       "--bcrypt-rounds",
                                       "4",
                                       "--limits",
                                       "*.* = unlimited; free.read = 1000/1d"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    program = std::make_unique<Program>(arguments, folder.path());
    const std::string banner = program->wait_for("Ctrl-C");
    const std::string before = "serves http://127.0.0.1:";
    port =
        static_cast<std::uint16_t>(std::stoi(banner.substr(banner.find(before) + before.size())));
  }
  RawResponse ask(std::string_view method, std::string_view path, std::string_view body = {},
                  const std::string& token = {}) const {
    std::string fields = "Content-Type: application/json\r\n";
    if (!token.empty()) fields += "Authorization: Bearer " + token + "\r\n";
    return RawClient(port).exchange(request(method, path, fields, body));
  }
  std::string log_in() const {
    const std::string body = R"({"email":"ann@example.com","password":"correct horse"})";
    ask("POST", "/api/v1/auth/register", body);
    return std::string(
        json::parse(ask("POST", "/api/v1/auth/login", body).body).at("access_token").as_string());
  }
  Outcome end() const {
    program->send(SIGTERM);
    return program->finish();
  }
};

// `r` of the one quota.
std::int64_t remaining(const RawResponse& response) {
  const std::string field = response.header("ratelimit");
  return std::stoll(field.substr(field.find(";r=") + 3));
}

TEST_F(ShutdownTest, HandsLeasesBackAndWritesTheUsageLogDown) {
  serve();
  const std::string token = log_in();
  // The lease grows with its use, so that some of it is left.
  constexpr int kCalls = 40;
  for (int i = 0; i < kCalls; ++i) {
    EXPECT_EQ(ask("GET", "/api/v1/users/me", {}, token).status, 200);
  }
  EXPECT_EQ(end().status, 0);
  serve();
  EXPECT_EQ(remaining(ask("GET", "/api/v1/users/me", {}, token)), 1000 - kCalls - 1);
  const RawResponse usage = ask("GET", "/api/v1/usage?limit=100", {}, token);
  EXPECT_GE(json::parse(usage.body).at("items").as_array().size(), std::size_t{kCalls});
}

TEST_F(ShutdownTest, ServesOnUntilAProxyKnowsThatItEnds) {
  serve({"--shutdown-grace", "3s"});
  const std::string token = log_in();
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  RawClient kept(port);
  EXPECT_EQ(kept.exchange(request("GET", "/healthz")).header("connection"), "");
  program->send(SIGTERM);
  program->wait_for_log("no longer ready");
  const RawResponse unready = ask("GET", "/readyz");
  EXPECT_EQ(unready.status, 503);
  EXPECT_THAT(unready.body, HasSubstr("about to end"));
  // Whoever has not noticed yet is served, and keeps no connection.
  const RawResponse served = ask("GET", "/api/v1/users/me", {}, token);
  EXPECT_EQ(served.status, 200);
  EXPECT_EQ(served.header("connection"), "close");
  EXPECT_EQ(kept.exchange(request("GET", "/healthz")).header("connection"), "close");
  EXPECT_TRUE(kept.closed());
  const Outcome outcome = program->finish();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST_F(ShutdownTest, LogsWhatWasNoRequest) {
  serve({"--access-log"});
  RawClient client(port);
  EXPECT_EQ(client.exchange("nonsense\r\n\r\n").status, 400);
  program->wait_for_log("- - 400 ");
  EXPECT_EQ(end().status, 0);
}

}  // namespace
}  // namespace gesso::cli
