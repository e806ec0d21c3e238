#include "gesso/mongo/uri.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

DriverUri prepare(std::string_view uri, const UriOptions& options = {}) {
  return prepare_uri(Secret(uri), options);
}
std::string text(std::string_view uri, const UriOptions& options = {}) {
  return std::string(prepare(uri, options).text.reveal());
}

// As the portal shows it; the key is of the same form and length as a real one.
constexpr std::string_view kPortal =
    "mongodb://acct:Ab+/9x0123456789abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUV/+w=="
    "@acct.mongo.cosmos.azure.com:10255/?ssl=true&replicaSet=globaldb&retrywrites=false"
    "&maxIdleTimeMS=120000&appName=@acct@";

TEST(Uri, ThePortalsStringIsTakenAsItIs) {
  const DriverUri uri = prepare(kPortal);
  const std::string sent(uri.text.reveal());
  EXPECT_THAT(sent, StartsWith("mongodb://acct:Ab%2B%2F9x0123456789abcdefghijklmnopqrstuvwxyz"
                               "0123456789ABCDEFGHIJKLMNOPQRSTUV%2F%2Bw%3D%3D"
                               "@acct.mongo.cosmos.azure.com:10255/?ssl=true"));
  EXPECT_THAT(sent, AllOf(HasSubstr("replicaSet=globaldb"), HasSubstr("appName=@acct@"),
                          Not(HasSubstr("maxIdleTimeMS")), HasSubstr("w=majority")));
  EXPECT_EQ(uri.max_idle, 120000ms);
  EXPECT_FALSE(uri.retry_writes);
  EXPECT_THAT(uri.hosts, ElementsAre("acct.mongo.cosmos.azure.com"));
}

// As the portal shows it for a managed identity.
constexpr std::string_view kIdentity =
    "mongodb+srv://6c1f0a9e-1111-4222-8333-444455556666@paint.global.mongocluster.cosmos.azure.com/"
    "?tls=true&authMechanism=MONGODB-OIDC&retrywrites=false&maxIdleTimeMS=120000"
    "&authMechanismProperties=ENVIRONMENT:azure,TOKEN_RESOURCE:https://"
    "ossrdbms-aad.database.windows.net";

TEST(Uri, AManagedIdentitysStringLogsInByTokens) {
  const DriverUri uri = prepare(kIdentity);
  ASSERT_TRUE(uri.token_login);
  EXPECT_EQ(uri.token_login->client_id, "6c1f0a9e-1111-4222-8333-444455556666");
  EXPECT_EQ(uri.token_login->resource, "https://ossrdbms-aad.database.windows.net");
  const std::string sent(uri.text.reveal());
  EXPECT_THAT(sent,
              StartsWith("mongodb+srv://paint.global.mongocluster.cosmos.azure.com/?tls=true"));
  EXPECT_THAT(sent, AllOf(Not(HasSubstr("auth")), Not(HasSubstr("6c1f"))));
  EXPECT_FALSE(uri.retry_writes);
}

TEST(Uri, TokensHaveDefaultsAndMayBeEncoded) {
  const auto plain = prepare("mongodb://h/?authMechanism=mongodb-oidc&authSource=%24external");
  EXPECT_EQ(plain.token_login->client_id, "");
  EXPECT_EQ(plain.token_login->resource, "https://ossrdbms-aad.database.windows.net");
  const auto encoded = prepare(
      "mongodb://h/?authMechanism=MONGODB-OIDC&authMechanismProperties="
      "TOKEN_RESOURCE:api%3A%2F%2Fa");
  EXPECT_EQ(encoded.token_login->resource, "api://a");
  EXPECT_FALSE(prepare("mongodb://u:p@h/?authMechanism=SCRAM-SHA-256").token_login);
}

TEST(Uri, WhatIsNoTokenLoginIsRefused) {
  for (const char* uri :
       {"mongodb://u:p@h/?authMechanism=MONGODB-OIDC",
        "mongodb://h/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:gcp",
        "mongodb://h/?authMechanism=MONGODB-OIDC&authMechanismProperties=SERVICE_NAME:x"}) {
    EXPECT_THROW((void)prepare(uri), Error) << uri;
  }
}

TEST(Uri, CosmosHostsRetryNoWrites) {
  for (const char* options : {"", "?retryWrites=true", "?retrywrites=false"}) {
    for (const char* host : {"a.mongo.cosmos.azure.com:10255", "A.MONGO.COSMOS.AZURE.COM",
                             "a.mongocluster.cosmos.azure.com", "a.documents.azure.com"}) {
      const std::string uri = std::string("mongodb://u:p@") + host + "/" + options;
      EXPECT_FALSE(prepare(uri).retry_writes) << uri;
    }
  }
}

TEST(Uri, NoIdleLimitIsSaidByNone) {
  EXPECT_EQ(prepare("mongodb://h/").max_idle, std::nullopt);
  EXPECT_EQ(prepare("mongodb://h/?maxIdleTimeMS=0").max_idle, std::nullopt);
}

TEST(Uri, OtherHostsRetryWritesUnlessTheStringSaysNo) {
  EXPECT_TRUE(prepare("mongodb://h/").retry_writes);
  EXPECT_TRUE(prepare("mongodb://evilcosmos.azure.com/").retry_writes);
  EXPECT_TRUE(prepare("mongodb://a.cosmos.azure.com.example/").retry_writes);
  EXPECT_FALSE(prepare("mongodb://h/?retryWrites=false").retry_writes);
}

TEST(Uri, CosmosHostsGetTls) {
  EXPECT_THAT(text("mongodb://a.mongo.cosmos.azure.com/"), HasSubstr("tls=true"));
  EXPECT_THAT(text("mongodb://a.mongo.cosmos.azure.com/?ssl=true"), Not(HasSubstr("tls=")));
  EXPECT_THAT(text("mongodb://h/"), Not(HasSubstr("tls=")));
}

TEST(Uri, KnowsWhetherConnectionsAreEncrypted) {
  for (const char* uri : {"mongodb://h/?tls=true", "mongodb://h/?ssl=TRUE", "mongodb+srv://h.x.y/",
                          "mongodb://h/?tlsCAFile=x", "mongodb://a.mongo.cosmos.azure.com/"}) {
    EXPECT_TRUE(prepare(uri).tls) << uri;
  }
  EXPECT_TRUE(prepare("mongodb://h/", {.tls_ca_file = "ca.pem"}).tls);
  for (const char* uri :
       {"mongodb://h/", "mongodb://h/?tls=false", "mongodb+srv://h.x.y/?ssl=false"}) {
    EXPECT_FALSE(prepare(uri).tls) << uri;
  }
}

TEST(Uri, EncodesRawCredentialsAndKeepsEncodedOnes) {
  EXPECT_THAT(text("mongodb://us er:p@ss:w/rd%@h/"),
              StartsWith("mongodb://us%20er:p%40ss%3Aw%2Frd%25@h/"));
  EXPECT_THAT(text("mongodb://user:p%40ss%2f@h/"), StartsWith("mongodb://user:p%40ss%2f@h/"));
  EXPECT_THAT(text("mongodb://user@h/"), StartsWith("mongodb://user@h/"));
}

TEST(Uri, TakesAByteOrderMarkOff) {
  EXPECT_EQ(text("\xEF\xBB\xBFmongodb://host/"), text("mongodb://host/"));
}

TEST(Uri, TakesBlanksAndLineEndsOff) {
  EXPECT_EQ(text(" mongodb://u:p@h/?appName=@a@\r\n"), text("mongodb://u:p@h/?appName=@a@"));
}

TEST(Uri, NeverPassesMinPoolSizeAndSetsTheLimits) {
  const std::string sent = text(
      "mongodb://h/?minPoolSize=10&maxPoolSize=7&socketTimeoutMS=1&connectTimeoutMS=2"
      "&serverSelectionTimeoutMS=3&waitQueueTimeoutMS=4",
      {.max_pool_size = 51, .connect_timeout = 1500ms, .socket_timeout = 65s});
  EXPECT_THAT(sent, Not(HasSubstr("minPoolSize")));
  EXPECT_THAT(sent, Not(HasSubstr("waitQueueTimeoutMS")));
  EXPECT_THAT(
      sent, AllOf(HasSubstr("maxPoolSize=51"), HasSubstr("connectTimeoutMS=1500"),
                  HasSubstr("socketTimeoutMS=65000"), HasSubstr("serverSelectionTimeoutMS=1000")));
  EXPECT_THAT(sent, Not(HasSubstr("maxPoolSize=7")));
}

TEST(Uri, KeepsTheWriteConcernAndTheNameThatStand) {
  EXPECT_THAT(text("mongodb://h/?w=1&appName=mine"),
              AllOf(HasSubstr("w=1"), HasSubstr("appName=mine"), Not(HasSubstr("majority")),
                    Not(HasSubstr("gesso"))));
  EXPECT_THAT(text("mongodb://h/"), HasSubstr("appName=gesso"));
}

TEST(Uri, ReadsSeedListsSocketsAndSrv) {
  EXPECT_THAT(prepare("mongodb://a:1,b:2,[::1]:3/db?replicaSet=r").hosts,
              ElementsAre("a", "b", "[::1]"));
  EXPECT_THAT(prepare("mongodb://%2Ftmp%2Fx.sock/").hosts, ElementsAre("%2Ftmp%2Fx.sock"));
  EXPECT_THAT(text("mongodb+srv://u:p@c.mongocluster.cosmos.azure.com/?tls=true"),
              StartsWith("mongodb+srv://u:p@c.mongocluster.cosmos.azure.com/?tls=true"));
  EXPECT_THAT(text("mongodb://h"), StartsWith("mongodb://h/?"));
}

TEST(Uri, TheCaFileOfTheSettingsWins) {
  EXPECT_THAT(text("mongodb://h/?tls=true&tlsCAFile=old.pem", {.tls_ca_file = "/etc/ssl/new.pem"}),
              AllOf(HasSubstr("tlsCAFile=%2Fetc%2Fssl%2Fnew.pem"), Not(HasSubstr("old.pem"))));
}

TEST(Uri, TheRedactedFormHoldsNoSecret) {
  const DriverUri portal = prepare(kPortal);
  EXPECT_THAT(portal.redacted, StartsWith("mongodb://acct:***@acct.mongo.cosmos.azure.com"));
  EXPECT_THAT(portal.redacted, Not(HasSubstr("Ab")));
  const DriverUri aws = prepare(
      "mongodb://h/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:tok3n"
      "&tlsCertificateKeyFilePassword=hunter2");
  EXPECT_THAT(aws.redacted, AllOf(Not(HasSubstr("tok3n")), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(aws.text.reveal(), HasSubstr("tok3n"));
}

struct BadUri {
  const char* uri;
  const char* why;
};

class BadUris : public ::testing::TestWithParam<BadUri> {};

TEST_P(BadUris, AreRefusedWithTheReasonAndWithoutThePassword) {
  World world;
  const Error error = error_of(
      [&] { const Service service(short_options(GetParam().uri), world.clock, world.random); });
  EXPECT_EQ(error.kind(), ErrorKind::kValidation) << error.what();
  EXPECT_THAT(error.what(), HasSubstr(GetParam().why));
  EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
}

INSTANTIATE_TEST_SUITE_P(
    Uri, BadUris,
    ::testing::Values(BadUri{"", "expected mongodb://"},
                      BadUri{"http://u:hunter2@h/", "expected mongodb://"},
                      BadUri{"mongodb://", "expected a host"},
                      BadUri{"mongodb://u:hunter2@/db", "expected a host"},
                      BadUri{"mongodb://:hunter2@h/", "expected a user name"},
                      BadUri{"mongodb://u:hunter2@h/?retryWrites=perhaps",
                             "expected true or false"},
                      BadUri{"mongodb://u:hunter2@h/?maxIdleTimeMS=soon", "number of milliseconds"},
                      BadUri{"mongodb://u:hunter2@h/?replicaSet", "expected name=value"},
                      BadUri{"mongodb://u:hunter2@h:notaport/", "expected HOST or HOST:PORT"},
                      BadUri{"mongodb://,,/", "expected a host"},
                      BadUri{"mongodb://u:p@:27017/", "expected HOST or HOST:PORT"},
                      BadUri{"mongodb://u:p@[::1/", "expected HOST or HOST:PORT"},
                      BadUri{"mongodb://u:p@[/", "expected HOST or HOST:PORT"},
                      BadUri{"mongodb://u:p@h:/", "expected HOST or HOST:PORT"},
                      // Raw characters in a password, which then looks like another part.
                      BadUri{"mongodb://u:hunter2?x@h/", "must be percent-encoded"},
                      BadUri{"mongodb://u:hunter2?x=1@h/", "must be percent-encoded"},
                      BadUri{"mongodb://u:p?w=hunter2@h/", "must be percent-encoded"},
                      BadUri{"mongodb://u:p?hunter2@h/?w=1", "must be percent-encoded"},
                      BadUri{"mongodb://u:p@q?hunter2=@h/", "must be percent-encoded"},
                      BadUri{"mongodb://u:p?w=1&x/hunter2=1", "must be percent-encoded"},
                      BadUri{"mongodb://u/v:hunter2", "must be percent-encoded"},
                      BadUri{"mongodb://u:hunter2", "must be percent-encoded"},
                      BadUri{"mongodb://u:hunter2@h/?tls=perhaps", "cannot be read"},
                      BadUri{"mongodb+srv://u:hunter2@h:27017/", "cannot be read"}));

}  // namespace
}  // namespace gesso::mongo
