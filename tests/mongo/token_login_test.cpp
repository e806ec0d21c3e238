// Connections that log in by an access token, at an embedded server that takes them.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <mutex>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "gesso/testing/tcp_gate.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "gesso/testing/token_signer.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using bson::make_document;
using gesso::testing::TcpGate;
using gesso::testing::TokenSigner;
namespace json = boost::json;

constexpr const char* kIssuer = "https://sts.windows.net/tenant/";

class TokenLoginTest : public ::testing::Test {
 protected:
  gesso::testing::TempDir folder_;
  gesso::testing::SeededRandom random_;
  SystemClock clock_;
  std::unique_ptr<localdb::Server> server_;
  std::unique_ptr<TcpGate> gate_;
  // What the source gives and was asked for.
  std::atomic<std::chrono::seconds> life_{3600s};
  std::string audience_ = "https://ossrdbms-aad.database.windows.net";
  std::atomic<int> asked_ = 0, fresh_ = 0;
  std::mutex mutex_;  // guards logins_ and seen_
  std::vector<TokenLogin> logins_;
  std::vector<std::string> seen_;  // commands as an observer sees them

  TokenLoginTest() {
    std::ofstream(folder_ / "jwks.json") << TokenSigner::first().jwks();
    server_ = std::make_unique<localdb::Server>(
        localdb::ServerOptions{.data_dir = folder_ / "data",
                               .listen_host = "127.0.0.1",
                               .listen_port = 0,
                               .oidc_issuer = kIssuer,
                               .oidc_jwks_file = folder_ / "jwks.json",
                               .oidc_clock_skew = 0s});
    server_->start();
    gate_ = std::make_unique<TcpGate>(server_->port());
  }

  LoginToken token(const TokenLogin& login, TokenWish wish) {
    ++asked_;
    if (wish == TokenWish::kFresh) ++fresh_;
    {
      const std::lock_guard lock(mutex_);
      logins_.push_back(login);
    }
    const Time end = clock_.now() + life_.load();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(end.time_since_epoch());
    return {.value = Secret(TokenSigner::first().token({{"iss", kIssuer},
                                                        {"aud", audience_},
                                                        {"oid", "principal-1"},
                                                        {"exp", seconds.count()}})),
            .expires_on = Time(seconds)};
  }

  ServiceOptions options() {
    return {.uri = Secret("mongodb://client-1@127.0.0.1:" + std::to_string(gate_->port()) +
                          "/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:azure,"
                          "TOKEN_RESOURCE:https://ossrdbms-aad.database.windows.net"),
            .pool_size = 1,
            .warm_minimum = 1,
            .login_token = [this](const TokenLogin& login, TokenWish wish,
                                  Deadline) { return token(login, wish); },
            .observe_command =
                [this](std::string_view name, bson::View command, std::chrono::microseconds, bool) {
                  const std::lock_guard lock(mutex_);
                  seen_.push_back(std::string(name) + " " + bson::to_json(command));
                }};
  }

  static void insert(Session& session, int id) {
    session.insert_one("c", make_document("_id", id));
  }
  static std::int64_t count(Session& session) { return session.count("c", {}); }
};

TEST_F(TokenLoginTest, AConnectionLogsInOnceAndWorks) {
  Service service(options(), clock_, random_);
  service.connect();
  for (int i = 0; i < 5; ++i) service.run([&](Session& session) { insert(session, i); });
  EXPECT_EQ(service.run(count), 5);
  // One of the check at the start and one of the worker.
  EXPECT_LE(asked_, 2);
  EXPECT_EQ(logins_.front().client_id, "client-1");
  EXPECT_EQ(logins_.front().resource, "https://ossrdbms-aad.database.windows.net");
}

TEST_F(TokenLoginTest, NobodySeesTheToken) {
  Service service(options(), clock_, random_);
  service.connect();
  service.run([](Session& session) { insert(session, 1); });
  ASSERT_FALSE(seen_.empty());
  for (const std::string& command : seen_) {
    EXPECT_EQ(command.find("eyJ"), std::string::npos) << command;  // how a token begins
    EXPECT_EQ(command.find("jwt"), std::string::npos) << command;
  }
}

TEST_F(TokenLoginTest, AConnectionThatWasLostLogsInAnewAndWritesAreDoneOnce) {
  Service service(options(), clock_, random_);
  service.connect();
  service.run([](Session& session) { insert(session, 0); });
  int done = 1;
  for (int i = 1; i <= 10; ++i) {
    gate_->cut();
    // A read is repeated on a new connection; the write after it finds that one logged in.
    EXPECT_EQ(service.run(count), done);
    service.run([&](Session& session) { insert(session, i); });
    ++done;
  }
  EXPECT_GE(asked_, 11);
}

TEST_F(TokenLoginTest, ATokenThatEndsIsFollowedByAnotherAndNothingFails) {
  life_ = 2s;
  Service service(options(), clock_, random_);
  service.connect();
  const auto begun = std::chrono::steady_clock::now();
  int done = 0;
  while (std::chrono::steady_clock::now() - begun < 5s) {
    service.run([&](Session& session) { insert(session, done); });
    ++done;
  }
  EXPECT_EQ(service.run(count), done);
  EXPECT_GE(asked_, 4);
}

TEST_F(TokenLoginTest, AServerThatAsksForAnotherTokenGetsAFreshOne) {
  Service service(options(), clock_, random_);
  life_ = 1s;
  service.connect();
  // Whoever gives tokens is wrong about their end: only the server knows.
  auto wrong = options();
  wrong.login_token = [this](const TokenLogin& login, TokenWish wish, Deadline) {
    LoginToken made = token(login, wish);
    made.expires_on += 1h;
    return made;
  };
  Service misled(std::move(wrong), clock_, random_);
  misled.connect();
  const auto begun = std::chrono::steady_clock::now();
  int done = 0;
  while (std::chrono::steady_clock::now() - begun < 4s) {
    misled.run([&](Session& session) { insert(session, done); });
    ++done;
  }
  EXPECT_EQ(misled.run(count), done);
  EXPECT_GE(fresh_, 2);
}

TEST_F(TokenLoginTest, ATokenThatIsRefusedIsTriedAfreshOnceAndThenSaid) {
  audience_ = "https://vault.azure.net";
  Service service(options(), clock_, random_);
  try {
    service.connect();
    FAIL() << "it connected";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kAuth);
    const std::string text = error.what();
    EXPECT_NE(text.find("Invalid audience claim."), std::string::npos) << text;
    EXPECT_NE(text.find("object id"), std::string::npos) << text;
    EXPECT_EQ(text.find("eyJ"), std::string::npos) << text;
  }
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(fresh_, 1);
}

TEST_F(TokenLoginTest, WhatKeepsTheSourceFromGivingOneIsTheUnitsFailure) {
  ServiceOptions without = options();
  without.login_token = [](const TokenLogin&, TokenWish, Deadline) -> LoginToken {
    throw Error(ErrorKind::kUnavailable, "the metadata service is away");
  };
  without.connect_attempts = 1;
  Service service(std::move(without), clock_, random_);
  try {
    service.connect();
    FAIL() << "it connected";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
    EXPECT_NE(std::string(error.what()).find("metadata service"), std::string::npos);
  }
}

TEST_F(TokenLoginTest, WithoutASourceTheConnectionStringIsRefused) {
  ServiceOptions without = options();
  without.login_token = {};
  EXPECT_THROW(Service(std::move(without), clock_, random_), Error);
}

}  // namespace
}  // namespace gesso::mongo
