// The presentation of Azure DocumentDB (vCore): hello, refusals, limits.
#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

class DocumentDbTest : public ServerTest {
 protected:
  DocumentDbTest() : client_((start({.documentdb = true}), client())) {}
  TestClient client_;

  bson::Document run(const std::string& command) { return client_.run(command); }
};

TEST_F(DocumentDbTest, HelloSaysThatItIsARouterOfDocumentDb) {
  const bson::Document hello = run(R"({"hello": 1})");
  EXPECT_EQ(hello["msg"].as_string(), "isdbgrid");
  EXPECT_EQ(hello["logicalSessionTimeoutMinutes"].integer(), 30);
  EXPECT_EQ(hello["maxWriteBatchSize"].integer(), 25'000);
  EXPECT_TRUE(hello.view().at_path("internal.documentdb_versions").is_array());
  EXPECT_FALSE(hello["localdb"]);
  EXPECT_FALSE(hello["setName"]);
}

TEST_F(DocumentDbTest, RefusesWhatTheGatewayDoesNotKnow) {
  const bson::Document reply = run(R"({"refreshSessions": []})");
  EXPECT_EQ(code_of(reply), 115);
  EXPECT_EQ(reply["errmsg"].as_string(), "Unknown request received: refreshSessions");
}

TEST_F(DocumentDbTest, NumberedWritesAreRefused) {
  const bson::Document reply = run(
      R"({"insert": "c", "documents": [{}], "txnNumber": {"$numberLong": "1"},
          "lsid": {"id": {"$uuid": "73ffd264-44b3-4c69-90e8-e7d1dfc035d4"}}})");
  EXPECT_EQ(code_of(reply), 20);
}

TEST_F(DocumentDbTest, ACollectionHas64IndexesAndPathsOf256Bytes) {
  for (int i = 1; i < 64; ++i) {
    const std::string field = "f" + std::to_string(i);
    const bson::Document made = run(R"({"createIndexes": "c", "indexes": [{"key": {")" + field +
                                    R"(": 1}, "name": ")" + field + R"("}]})");
    ASSERT_TRUE(is_ok(made)) << json(made);
  }
  EXPECT_EQ(code_of(run(R"({"createIndexes": "c", "indexes": [{"key": {"x": 1}, "name": "x"}]})")),
            67);
  const std::string path(257, 'p');
  EXPECT_EQ(code_of(run(R"({"createIndexes": "d", "indexes": [{"key": {")" + path +
                        R"(": 1}, "name": "x"}]})")),
            67);
}

TEST_F(DocumentDbTest, BeforeTheLoginOnlyTheHandshakeIsServed) {
  start({.require_auth = true, .documentdb = true});
  TestClient stranger = client();
  EXPECT_TRUE(is_ok(stranger.run(R"({"hello": 1})")));
  const bson::Document reply = stranger.run(R"({"find": "c"})");
  EXPECT_EQ(code_of(reply), 13);
  EXPECT_EQ(reply["errmsg"].as_string(),
            "Command find is not allowed as the connection is not authenticated yet.");
  EXPECT_EQ(code_of(stranger.run(R"({"ping": 1})")), 13);
}

}  // namespace
}  // namespace gesso::localdb
