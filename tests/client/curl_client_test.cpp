#include "gesso/client/curl_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "gesso/testing/https_server.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/client/support.hpp"

namespace gesso::client {
namespace {

using namespace std::chrono_literals;
using testing::Fault;
using ::testing::HasSubstr;
using testing::HttpsServer;
using ::testing::Not;

HttpsServer::Reply echo(const HttpsServer::Request& request) {
  return {.status = 201,
          .body = request.method + " " + request.target + " " + request.body,
          .headers = {{"X-Test", " spaced  "}}};
}

std::string url_of(const HttpsServer& server, const std::string& target = "/") {
  return "http://127.0.0.1:" + std::to_string(server.port()) + target;
}

std::unique_ptr<HttpClient> client_of(const HttpsServer& server) {
  return make_curl_client({.allowed = {{url_of(server, "")}}});
}

Error failure_of(HttpClient& client, const HttpRequest& request, const Call& call = {}) {
  return error_of([&] { (void)client.send(request, call); });
}

TEST(CurlClient, SendsMethodHeadersAndBodyAndReadsTheReply) {
  HttpsServer server(echo);
  const auto client = client_of(server);
  HttpRequest request{.method = "POST", .url = url_of(server, "/a/../b?c=%2F")};
  request.headers.emplace_back("X-Secret", Secret(std::string_view("hunter2")));
  request.headers.emplace_back("X-Empty", Secret());
  request.body = Secret(std::string_view("grant=1"));
  const HttpResponse response = client->send(request, {});
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.header("x-test"), "spaced");
  EXPECT_THAT(std::string(response.body.reveal()), HasSubstr("?c=%2F grant=1"));
  const auto seen = server.requests().at(0);
  EXPECT_EQ(seen.header("x-secret"), "hunter2");
  EXPECT_EQ(seen.header("x-empty"), "");
  EXPECT_EQ(seen.header("user-agent"), "gesso");
}

TEST(CurlClient, FollowsNoRedirect) {
  HttpsServer server(echo);
  server.fail_next(1, Fault::redirect("http://127.0.0.1:1/"));
  const auto client = client_of(server);
  EXPECT_EQ(client->send({.url = url_of(server)}, {}).status, 302);
  EXPECT_EQ(server.request_count(), 1U);
}

bool was_not_sent(HttpClient& client, const HttpRequest& request) {
  try {
    (void)client.send(request, {});
  } catch (const NotSent&) {
    return true;
  } catch (const Error&) {
    return false;
  }
  ADD_FAILURE() << "there was a reply";
  return false;
}

TEST(CurlClient, SaysWhyThereWasNoReply) {
  HttpsServer server(echo);
  const auto client = client_of(server);
  const std::string origin = "http://127.0.0.1:" + std::to_string(server.port());
  for (const Fault& fault :
       {Fault::reset(), Fault::cut(), Fault::garbage(), Fault::wrong_length()}) {
    server.fail_next(1, fault);
    EXPECT_FALSE(was_not_sent(*client, {.url = url_of(server)}));  // it may have been heard
    server.fail_next(1, fault);
    const Error error = failure_of(*client, {.url = url_of(server, "/path?query")});
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
    EXPECT_TRUE(error.retryable());
    EXPECT_THAT(error.what(), ::testing::StartsWith(origin + ": "));
    EXPECT_THAT(error.what(), Not(HasSubstr("query")));
  }
  server.down();
  EXPECT_EQ(failure_of(*client, {.url = url_of(server)}).kind(), ErrorKind::kUnavailable);
  EXPECT_TRUE(was_not_sent(*client, {.url = url_of(server)}));
}

TEST(CurlClient, RefusesAReplyOverOneMebibyte) {
  HttpsServer server(echo);
  const auto client = client_of(server);
  server.fail_next(1, Fault::oversized(1 << 20));
  EXPECT_EQ(client->send({.url = url_of(server)}, {}).body.reveal().size(), 1U << 20);
  server.fail_next(1, Fault::oversized((1 << 20) + 1));
  const Error error = failure_of(*client, {.url = url_of(server)});
  EXPECT_THAT(error.what(), HasSubstr("longer than 1048576 bytes"));
  EXPECT_FALSE(error.retryable());
}

TEST(CurlClient, AnAttemptEndsWithItsTimeout) {
  HttpsServer server(echo);
  server.fail(Fault::hang());
  const auto client = client_of(server);
  const Error error = failure_of(*client, {.url = url_of(server), .timeout = 50ms});
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  EXPECT_THAT(error.what(), HasSubstr("no reply in time"));
}

TEST(CurlClient, ADrippingReplyDoesNotKeepACallAlive) {
  HttpsServer server(echo);
  server.fail(Fault::drip(20ms));
  const auto client = client_of(server);
  EXPECT_EQ(failure_of(*client, {.url = url_of(server), .timeout = 100ms}).kind(),
            ErrorKind::kTimeout);
}

TEST(CurlClient, ACallEndsAtItsDeadline) {
  HttpsServer server(echo);
  server.fail(Fault::hang());
  const auto client = client_of(server);
  const Error error =
      failure_of(*client, {.url = url_of(server)}, {.deadline = Deadline::after(50ms)});
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  EXPECT_THAT(error.what(), HasSubstr("the deadline passed while asking http://127.0.0.1"));
}

TEST(CurlClient, ACallEndsAtOnceWithAStop) {
  HttpsServer server(echo);
  server.fail(Fault::hang());
  const auto client = client_of(server);
  std::stop_source stop;
  std::optional<Error> error;
  std::thread caller([&] {
    error = failure_of(*client, {.url = url_of(server), .timeout = 1h}, {.stop = stop.get_token()});
  });
  ASSERT_TRUE(server.wait_for_hanging(1));
  stop.request_stop();
  caller.join();  // in an hour, if the stop were not seen
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kUnavailable);
  EXPECT_THAT(error->what(), HasSubstr("stopped while asking"));
  EXPECT_EQ(failure_of(*client, {.url = url_of(server)}, {.stop = stop.get_token()}).kind(),
            ErrorKind::kUnavailable);
}

TEST(CurlClient, SendsNoHeaderWithALineBreak) {
  HttpsServer server(echo);
  const auto client = client_of(server);
  for (const std::string_view value : {std::string_view("a\r\nX-Other: b"),
                                       std::string_view("a\nb"), std::string_view("a\0b", 3)}) {
    HttpRequest request{.url = url_of(server)};
    request.headers.emplace_back("X-Secret", Secret(value));
    const Error error = failure_of(*client, request);
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    EXPECT_THAT(error.what(), HasSubstr("X-Secret"));
  }
  EXPECT_EQ(server.request_count(), 0U);
}

TEST(CurlClient, SendsToHttpOnly) {
  const auto client = make_curl_client({.allowed = {{"http://localhost"}}});
  for (const char* url : {"file:///etc/passwd", "ftp://localhost/", "localhost", "",
                          "http://user@localhost/", "gopher://localhost/"}) {
    EXPECT_EQ(failure_of(*client, {.url = url}).kind(), ErrorKind::kValidation) << url;
  }
}

TEST(CurlClient, AsksNobodyElseThanItMay) {
  HttpsServer server(echo);
  const std::string port = std::to_string(server.port());
  const auto client = make_curl_client({.allowed = {{"http://127.0.0.1:" + port}}});
  EXPECT_EQ(client->send({.url = "http://127.0.0.1:" + port + "/any/path"}, {}).status, 201);
  for (const std::string& url :
       {"http://localhost:" + port + "/", "https://127.0.0.1:" + port + "/",
        std::string("http://127.0.0.1/"),
        std::string("http://169.254.169.254/metadata/identity")}) {
    const Error error = failure_of(*client, {.url = url});
    EXPECT_EQ(error.kind(), ErrorKind::kValidation) << url;
    EXPECT_THAT(error.what(), HasSubstr("not among the servers that may be called"));
  }
  EXPECT_EQ(server.request_count(), 1U);
}

TEST(CurlClient, LeadsAHostElsewhereAndKeepsItsName) {
  HttpsServer server(echo);
  const std::string port = std::to_string(server.port());
  const auto client = make_curl_client(
      {.allowed = {{"http://169.254.169.254"}},
       .connect_to = "other.example:80:127.0.0.1:1, 169.254.169.254:80:127.0.0.1:" + port});
  EXPECT_EQ(client->send({.url = "http://169.254.169.254/x", .direct = true}, {}).status, 201);
  EXPECT_EQ(server.requests().at(0).header("host"), "169.254.169.254");
}

TEST(CurlClient, LeadsAnyHostElsewhereWhereNoneIsNamed) {
  HttpsServer server(echo);
  const std::string port = std::to_string(server.port());
  for (const char* start : {"::127.0.0.1:", ":80:127.0.0.1:", "127.0.0.2::127.0.0.1:"}) {
    const auto client =
        make_curl_client({.allowed = {{"http://127.0.0.2"}}, .connect_to = start + port});
    EXPECT_EQ(client->send({.url = "http://127.0.0.2/x", .direct = true}, {}).status, 201) << start;
  }
  const auto client =
      make_curl_client({.allowed = {{"http://127.0.0.1"}}, .connect_to = "127.0.0.1:80::" + port});
  EXPECT_EQ(client->send({.url = "http://127.0.0.1/x", .direct = true}, {}).status, 201);
}

TEST(CurlClient, RefusesSettingsThatItCannotRead) {
  for (const char* text :
       {"a", "a:443", "a:443:b", "a:443:b:0", "a:443:b:65536", "a:x:b:443",
        ":::", "a:443::", "*:443:b:1", "*.a:443:b:1", "a:443:b:1,,", "a:443:b:1x"}) {
    const Error error =
        error_of([&] { (void)make_curl_client({.allowed = {{}}, .connect_to = text}); });
    EXPECT_EQ(error.kind(), ErrorKind::kValidation) << text;
    EXPECT_THAT(error.what(), HasSubstr("HOST:PORT:ADDRESS:PORT"));
  }
  for (const char* text : {"", "a:443:b:1", "a:443:b:1, c:1:d:2", "a:443:[::1]:8443"}) {
    EXPECT_NO_THROW((void)make_curl_client({.allowed = {{}}, .connect_to = text})) << text;
  }
  EXPECT_EQ(error_of([] {
              (void)make_curl_client({.allowed = {{}}, .ca_file = "/nowhere/ca.pem"});
            }).kind(),
            ErrorKind::kValidation);
}

TEST(CurlClient, PassesProxiesOfTheEnvironmentUnlessDirect) {
  HttpsServer proxy(echo);
  HttpsServer server(echo);
  ::setenv("http_proxy", url_of(proxy).c_str(), 1);
  const auto client = client_of(server);
  (void)client->send({.url = url_of(server)}, {});
  EXPECT_EQ(proxy.request_count(), 1U);
  EXPECT_EQ(server.request_count(), 0U);
  (void)client->send({.url = url_of(server), .direct = true}, {});
  ::unsetenv("http_proxy");
  EXPECT_EQ(server.request_count(), 1U);
}

}  // namespace
}  // namespace gesso::client
