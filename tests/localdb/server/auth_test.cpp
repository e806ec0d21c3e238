// Users, logging in and rights, end to end.
#include "gesso/base/text.hpp"
#include "tests/localdb/engine/auth/scram_client.hpp"
#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

using bson::make_document;

bson::Binary binary(const std::string& text) {
  return {.subtype = 0, .bytes = {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}};
}

std::string text_of(bson::Value binary_value) {
  const auto bytes = binary_value.as_binary().bytes;
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class AuthTest : public ServerTest {
 protected:
  AuthTest() { start({.require_auth = true}); }

  // The code of the failure, 0 when it went well.
  static int log_in(TestClient& client, const std::string& user, const std::string& password,
                    std::string_view db = "admin") {
    const std::string bare = "n=" + user + ",r=abc";
    const bson::Document first = client.run(
        make_document("saslStart", 1, "mechanism", "SCRAM-SHA-256", "payload", binary("n,," + bare),
                      "options", make_document("skipEmptyExchange", true)),
        db);
    if (!is_ok(first)) return code_of(first);
    const bson::Document last = client.run(
        make_document("saslContinue", 1, "conversationId", first["conversationId"], "payload",
                      binary(auth::client_final(password, bare, text_of(first["payload"])))),
        db);
    if (!is_ok(last)) return code_of(last);
    EXPECT_TRUE(last["done"].as_bool());
    return 0;
  }

  void make_root() {
    TestClient first = client();
    ASSERT_TRUE(
        is_ok(first.run(R"({"createUser": "root", "pwd": "r", "roles": ["root"]})", "admin")));
  }
  TestClient root() {
    TestClient in = client();
    EXPECT_EQ(log_in(in, "root", "r"), 0);
    return in;
  }
};

TEST_F(AuthTest, NothingIsServedBeforeLoggingInButTheHandshake) {
  TestClient stranger = client();
  for (const char* command : {R"({"hello": 1})", R"({"isMaster": 1})", R"({"ping": 1})",
                              R"({"buildInfo": 1})", R"({"connectionStatus": 1})"}) {
    EXPECT_TRUE(is_ok(stranger.run(command, "admin"))) << command;
  }
  for (const char* command :
       {R"({"find": "c"})", R"({"insert": "c", "documents": [{}]})", R"({"listDatabases": 1})",
        R"({"aggregate": "c", "pipeline": [], "cursor": {}})", R"({"explain": {"find": "c"}})",
        R"({"usersInfo": 1})", R"({"dropDatabase": 1})", R"({"serverStatus": 1})",
        R"({"getMore": {"$numberLong": "1"}, "collection": "c"})", R"({"createIndexes": "c"})",
        R"({"renameCollection": "a.b", "to": "a.c"})"}) {
    EXPECT_EQ(code_of(stranger.run(command)), 13) << command;
  }
  // A command that does not exist is no secret.
  EXPECT_EQ(code_of(stranger.run(R"({"colour": 1})")), 59);
}

TEST_F(AuthTest, TheFirstUserMayBeMadeByWhoIsOnTheMachineAndOnlyTheFirst) {
  make_root();
  TestClient stranger = client();
  EXPECT_EQ(
      code_of(stranger.run(R"({"createUser": "second", "pwd": "s", "roles": ["root"]})", "admin")),
      13);
}

TEST_F(AuthTest, LogsInByScram) {
  make_root();
  TestClient in = client();
  EXPECT_EQ(log_in(in, "root", "r"), 0);
  EXPECT_TRUE(is_ok(in.run(R"({"find": "c"})")));
  const bson::Document status = in.run(R"({"connectionStatus": 1})", "admin");
  EXPECT_EQ(status.view().at_path("authInfo.authenticatedUsers.0.user").as_string(), "root");
  EXPECT_TRUE(is_ok(in.run(R"({"logout": 1})", "admin")));
  EXPECT_EQ(code_of(in.run(R"({"find": "c"})")), 13);
}

TEST_F(AuthTest, AWrongPasswordAndAnUnknownUserLookTheSame) {
  make_root();
  TestClient in = client();
  EXPECT_EQ(log_in(in, "root", "wrong"), 18);
  EXPECT_EQ(log_in(in, "nobody", "wrong"), 18);
  EXPECT_EQ(log_in(in, "root", "r", "test"), 18);  // known on admin only
  EXPECT_EQ(code_of(in.run(R"({"find": "c"})")), 13);
  EXPECT_EQ(log_in(in, "root", "r"), 0);  // and the connection is still good
}

TEST_F(AuthTest, TheHandshakeMayBeginTheConversation) {
  make_root();
  TestClient in = client();
  const std::string bare = "n=root,r=xyz";
  const bson::Document hello = in.run(
      make_document("hello", 1, "saslSupportedMechs", "admin.root", "speculativeAuthenticate",
                    make_document("saslStart", 1, "mechanism", "SCRAM-SHA-256", "payload",
                                  binary("n,," + bare), "db", "admin")),
      "admin");
  EXPECT_EQ(hello.view().at_path("saslSupportedMechs.0").as_string(), "SCRAM-SHA-256");
  const bson::View answer = hello["speculativeAuthenticate"].as_document();
  EXPECT_FALSE(answer["done"].as_bool());
  const std::string proof = auth::client_final("r", bare, text_of(answer["payload"]));
  const bson::Document proven =
      in.run(make_document("saslContinue", 1, "conversationId", answer["conversationId"], "payload",
                           binary(proof)),
             "admin");
  // Without skipEmptyExchange one empty exchange follows.
  EXPECT_FALSE(proven["done"].as_bool());
  const bson::Document last =
      in.run(make_document("saslContinue", 1, "conversationId", 1, "payload", binary("")), "admin");
  EXPECT_TRUE(last["done"].as_bool());
  EXPECT_TRUE(is_ok(in.run(R"({"find": "c"})")));
}

TEST_F(AuthTest, AMechanismThatIsNotServedIsLeftOutOfTheHandshake) {
  const bson::Document hello = client().run(
      R"({"hello": 1, "speculativeAuthenticate": {"saslStart": 1, "mechanism": "SCRAM-SHA-1", "payload": "", "db": "admin"}})",
      "admin");
  EXPECT_TRUE(is_ok(hello));
  EXPECT_FALSE(hello.contains("speculativeAuthenticate"));
}

TEST_F(AuthTest, RolesSayWhatAUserMayDoWhere) {
  make_root();
  TestClient admin = root();
  for (const char* command :
       {R"({"createUser": "reader", "pwd": "p", "roles": [{"role": "read", "db": "shop"}]})",
        R"({"createUser": "writer", "pwd": "p", "roles": [{"role": "readWrite", "db": "shop"}]})",
        R"({"createUser": "owner", "pwd": "p", "roles": [{"role": "dbOwner", "db": "shop"}]})",
        R"({"createUser": "monitor", "pwd": "p", "roles": ["clusterMonitor"]})"}) {
    ASSERT_TRUE(is_ok(admin.run(command, "admin"))) << command;
  }
  struct Case {
    const char* command;
    const char* db;
    bool reader, writer, owner, monitor;
  };
  const Case cases[] = {
      {R"({"find": "c"})", "shop", true, true, true, false},
      {R"({"find": "c"})", "other", false, false, false, false},
      {R"({"aggregate": "c", "pipeline": [], "cursor": {}})", "shop", true, true, true, false},
      {R"({"explain": {"find": "c"}})", "shop", true, true, true, false},
      {R"({"insert": "c", "documents": [{}]})", "shop", false, true, true, false},
      {R"({"findAndModify": "c", "remove": true})", "shop", false, true, true, false},
      {R"({"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a"}]})", "shop", false,
       true, true, false},
      {R"({"dropDatabase": 1})", "other", false, false, false, false},
      {R"({"createUser": "x", "pwd": "p", "roles": []})", "shop", false, false, true, false},
      {R"({"createUser": "y", "pwd": "p", "roles": [{"role": "root", "db": "admin"}]})", "shop",
       false, false, false, false},
      {R"({"serverStatus": 1})", "admin", false, false, false, true},
      {R"({"aggregate": 1, "pipeline": [{"$currentOp": {"allUsers": true}}], "cursor": {}})",
       "admin", false, false, false, true},
      {R"({"renameCollection": "shop.c", "to": "other.c"})", "admin", false, false, false, false},
  };
  TestClient reader = client();
  TestClient writer = client();
  TestClient owner = client();
  TestClient monitor = client();
  ASSERT_EQ(log_in(reader, "reader", "p"), 0);
  ASSERT_EQ(log_in(writer, "writer", "p"), 0);
  ASSERT_EQ(log_in(owner, "owner", "p"), 0);
  ASSERT_EQ(log_in(monitor, "monitor", "p"), 0);
  for (const Case& one : cases) {
    const auto may = [&](TestClient& who) { return code_of(who.run(one.command, one.db)) != 13; };
    EXPECT_EQ(may(reader), one.reader) << one.command;
    EXPECT_EQ(may(writer), one.writer) << one.command;
    EXPECT_EQ(may(owner), one.owner) << one.command;
    EXPECT_EQ(may(monitor), one.monitor) << one.command;
  }
}

TEST_F(AuthTest, ListDatabasesShowsWhatTheUserMaySee) {
  make_root();
  TestClient admin = root();
  admin.run(R"({"insert": "c", "documents": [{}]})", "one");
  admin.run(R"({"insert": "c", "documents": [{}]})", "two");
  admin.run(R"({"createUser": "u", "pwd": "p", "roles": [{"role": "read", "db": "two"}]})",
            "admin");
  TestClient user = client();
  ASSERT_EQ(log_in(user, "u", "p"), 0);
  const bson::Document list = user.run(R"({"listDatabases": 1, "nameOnly": true})", "admin");
  EXPECT_EQ(bson::to_json(list["databases"]), R"([ { "name" : "two" } ])");
}

TEST_F(AuthTest, ADroppedUserHasLostEverythingAtOnce) {
  make_root();
  TestClient admin = root();
  admin.run(R"({"createUser": "u", "pwd": "p", "roles": ["readWriteAnyDatabase"]})", "admin");
  TestClient user = client();
  ASSERT_EQ(log_in(user, "u", "p"), 0);
  ASSERT_TRUE(is_ok(user.run(R"({"find": "c"})")));
  ASSERT_TRUE(is_ok(admin.run(R"({"dropUser": "u"})", "admin")));
  EXPECT_EQ(code_of(user.run(R"({"find": "c"})")), 13);
  TestClient again = client();
  EXPECT_EQ(log_in(again, "u", "p"), 18);
  // Another user of the same name does not revive the old log-in.
  admin.run(R"({"createUser": "u", "pwd": "p", "roles": ["readWriteAnyDatabase"]})", "admin");
  EXPECT_EQ(code_of(user.run(R"({"find": "c"})")), 13);
}

TEST_F(AuthTest, UpdatingAUserChangesPasswordAndRoles) {
  make_root();
  TestClient admin = root();
  admin.run(R"({"createUser": "u", "pwd": "p", "roles": ["readAnyDatabase"]})", "admin");
  TestClient user = client();
  ASSERT_EQ(log_in(user, "u", "p"), 0);
  EXPECT_TRUE(is_ok(admin.run(R"({"updateUser": "u", "pwd": "q", "roles": []})", "admin")));
  EXPECT_EQ(code_of(user.run(R"({"find": "c"})")), 13);  // the roles count at once
  TestClient again = client();
  EXPECT_EQ(log_in(again, "u", "p"), 18);
  EXPECT_EQ(log_in(again, "u", "q"), 0);
  EXPECT_EQ(code_of(admin.run(R"({"updateUser": "nobody", "pwd": "q"})", "admin")), 11);
  EXPECT_EQ(code_of(admin.run(R"({"updateUser": "u"})", "admin")), 2);
}

TEST_F(AuthTest, UsersOutliveTheServerAndAreNotReadAsDocuments) {
  make_root();
  start({.require_auth = true});
  TestClient admin = root();
  EXPECT_EQ(code_of(admin.run(R"({"find": "system.users"})", "admin")), 13);
  EXPECT_EQ(
      code_of(admin.run(R"({"aggregate": "system.users", "pipeline": [], "cursor": {}})", "admin")),
      13);
  EXPECT_EQ(code_of(admin.run(R"({"insert": "system.users", "documents": [{"_id": "admin.x"}]})",
                              "admin")),
            13);
  EXPECT_EQ(
      code_of(admin.run(
          R"({"aggregate": 1, "cursor": {}, "pipeline": [{"$documents": [{"x": 1}]}, {"$lookup": {"from": "system.users", "localField": "a", "foreignField": "b", "as": "c"}}]})",
          "admin")),
      13);
  EXPECT_EQ(code_of(admin.run(R"({"drop": "system.users"})", "admin")), 13);
  EXPECT_EQ(
      code_of(admin.run(R"({"renameCollection": "admin.system.users", "to": "admin.x"})", "admin")),
      73);
}

TEST_F(AuthTest, UsersInfoShowsNoKeysUnlessAsked) {
  make_root();
  TestClient admin = root();
  const bson::Document info = admin.run(R"({"usersInfo": "root"})", "admin");
  EXPECT_EQ(info.view().at_path("users.0._id").as_string(), "admin.root");
  EXPECT_EQ(info.view().at_path("users.0.mechanisms.0").as_string(), "SCRAM-SHA-256");
  EXPECT_FALSE(info.view().at_path("users.0.credentials"));
  const bson::Document all =
      admin.run(R"({"usersInfo": {"forAllDBs": true}, "showCredentials": true})", "admin");
  EXPECT_TRUE(all.view().at_path("users.0.credentials.SCRAM-SHA-256.storedKey"));
  EXPECT_EQ(bson::to_json(
                admin.run(R"({"usersInfo": {"user": "root", "db": "shop"}})", "admin")["users"]),
            "[  ]");
}

TEST_F(AuthTest, RefusesUsersThatCannotBe) {
  make_root();
  TestClient admin = root();
  const auto code = [&](const char* command) { return code_of(admin.run(command, "admin")); };
  EXPECT_EQ(code(R"({"createUser": "root", "pwd": "x", "roles": []})"), 51003);
  EXPECT_EQ(code(R"({"createUser": "u", "pwd": "x", "roles": ["emperor"]})"), 31);
  EXPECT_EQ(code(R"({"createUser": "u", "pwd": "x", "roles": [{"role": "root", "db": "shop"}]})"),
            31);
  EXPECT_EQ(code(R"({"createUser": "u", "pwd": "", "roles": []})"), 2);
  EXPECT_EQ(code(R"({"createUser": "", "pwd": "x", "roles": []})"), 2);
  EXPECT_EQ(code(R"({"createUser": "u", "roles": []})"), 40414);
  EXPECT_EQ(code(R"({"createUser": "u", "pwd": "x", "roles": [], "mechanisms": ["SCRAM-SHA-1"]})"),
            2);
  EXPECT_EQ(code(R"({"createUser": "u", "pwd": "x", "roles": [], "digestPassword": false})"), 2);
  EXPECT_EQ(code(R"({"dropUser": "u"})"), 11);
}

TEST_F(AuthTest, ACursorBelongsToTheUserWhoOpenedIt) {
  make_root();
  TestClient admin = root();
  admin.run(R"({"createUser": "u", "pwd": "p", "roles": ["readAnyDatabase"]})", "admin");
  admin.run(R"({"insert": "c", "documents": [{}, {}]})");
  const bson::Document first = admin.run(R"({"find": "c", "batchSize": 1})");
  const bson::Document more =
      make_document("getMore", first.view().at_path("cursor.id"), "collection", "c");
  TestClient user = client();
  ASSERT_EQ(log_in(user, "u", "p"), 0);
  EXPECT_EQ(code_of(user.run(more)), 13);
  EXPECT_TRUE(is_ok(admin.run(more)));
}

TEST_F(ServerTest, WithoutAuthEverybodyMayAndUsersMayStillLogIn) {
  start({});
  TestClient any = client();
  EXPECT_TRUE(is_ok(any.run(R"({"find": "c"})")));
  EXPECT_TRUE(is_ok(any.run(R"({"createUser": "u", "pwd": "p", "roles": []})", "admin")));
  EXPECT_TRUE(is_ok(any.run(R"({"find": "c"})")));
}

class AccountLoginTest : public AuthTest {
 protected:
  AccountLoginTest() { start({.listen_host = "127.0.0.1", .listen_port = 0, .account = "paint"}); }

  // The key as it stands in the connection string.
  std::string key(AccountKey which) {
    const Secret uri = server_->account_uri(which);
    const std::string_view text = uri.reveal();
    const std::size_t from = std::string_view("mongodb://paint:").size();
    return *percent_decode(text.substr(from, text.find('@') - from));
  }
};

TEST_F(AccountLoginTest, EitherKeyOpensEverythingOnAnyDatabase) {
  for (const AccountKey which : {AccountKey::kPrimary, AccountKey::kSecondary}) {
    for (const char* db : {"admin", "imagegenerator"}) {
      TestClient in = client();
      ASSERT_EQ(log_in(in, "paint", key(which), db), 0);
      EXPECT_TRUE(is_ok(in.run(R"({"insert": "c", "documents": [{}]})")));
      const bson::Document list = in.run(R"({"listDatabases": 1, "nameOnly": true})", "admin");
      EXPECT_EQ(bson::to_json(list["databases"]), R"([ { "name" : "test" } ])");
    }
  }
}

TEST_F(AccountLoginTest, NothingElseDoes) {
  TestClient stranger = client();
  EXPECT_EQ(log_in(stranger, "paint", "wrong"), 18);
  EXPECT_EQ(log_in(stranger, "other", key(AccountKey::kPrimary)), 18);
  const bson::Document refused = stranger.run(R"({"find": "c"})");
  EXPECT_EQ(code_of(refused), 13);
  EXPECT_EQ(refused["errmsg"].as_string(), "Not Authenticated");
  // No first user is made past the account, from this machine either.
  EXPECT_EQ(
      code_of(stranger.run(R"({"createUser": "me", "pwd": "p", "roles": ["root"]})", "admin")), 13);
}

TEST_F(AccountLoginTest, ANewKeyPutsOutWhoCameByTheOldOneAndNobodyElse) {
  const std::string old = key(AccountKey::kPrimary);
  TestClient by_primary = client(), by_secondary = client(), half_way = client();
  ASSERT_EQ(log_in(by_primary, "paint", old), 0);
  ASSERT_EQ(log_in(by_secondary, "paint", key(AccountKey::kSecondary)), 0);
  const std::string bare = "n=paint,r=abc";
  const bson::Document begun = half_way.run(
      make_document("saslStart", 1, "mechanism", "SCRAM-SHA-256", "payload", binary("n,," + bare)),
      "admin");

  ASSERT_TRUE(is_ok(client().run(R"({"gessoRegenerateKey": "primary"})", "admin")));

  const bson::Document refused = by_primary.run(R"({"find": "c"})");
  EXPECT_EQ(code_of(refused), 13);
  EXPECT_EQ(refused["codeName"].as_string(), "Unauthorized");
  EXPECT_TRUE(is_ok(by_primary.run(R"({"ping": 1})")));  // as on Azure, where a ping tells nothing
  EXPECT_TRUE(is_ok(by_secondary.run(R"({"find": "c"})")));
  // Neither does a conversation that had begun end well.
  EXPECT_EQ(
      code_of(half_way.run(
          make_document("saslContinue", 1, "conversationId", begun["conversationId"], "payload",
                        binary(auth::client_final(old, bare, text_of(begun["payload"])))),
          "admin")),
      18);
  TestClient again = client();
  EXPECT_EQ(log_in(again, "paint", old), 18);
  EXPECT_EQ(log_in(again, "paint", key(AccountKey::kPrimary)), 0);
}

TEST_F(AccountLoginTest, OnlyItsOwnerMayAskForANewKey) {
  TestClient over_tcp = TestClient::over_tcp(server_->port());
  ASSERT_EQ(log_in(over_tcp, "paint", key(AccountKey::kPrimary)), 0);
  EXPECT_EQ(code_of(over_tcp.run(R"({"gessoRegenerateKey": "primary"})", "admin")), 13);
  EXPECT_EQ(code_of(client().run(R"({"gessoRegenerateKey": "third"})", "admin")), 2);
  EXPECT_TRUE(is_ok(over_tcp.run(R"({"find": "c"})")));
  start({});
  EXPECT_EQ(code_of(client().run(R"({"gessoRegenerateKey": "primary"})", "admin")), 2);
}

TEST_F(AccountLoginTest, TheKeysOutliveARestart) {
  const std::string before = key(AccountKey::kSecondary);
  start({.listen_host = "127.0.0.1", .listen_port = 0, .account = "paint"});
  EXPECT_EQ(key(AccountKey::kSecondary), before);
}

}  // namespace
}  // namespace gesso::localdb
