#include "gesso/mongo/dialect.hpp"

#include <gtest/gtest.h>

#include "gesso/bson/json.hpp"

namespace gesso::mongo {
namespace {

struct Case {
  std::vector<std::string> hosts;
  const char* hello;
  Dialect dialect;
};

TEST(Dialect, IsKnownByTheHelloAndTheHosts) {
  const Case cases[] = {
      {{"localhost"}, "{}", Dialect::kMongoDb},
      {{"c.mongodb.net"}, R"({"setName": "atlas-1"})", Dialect::kMongoDb},
      {{"localhost"}, R"({"localdb": {"version": "0.1"}})", Dialect::kLocalDb},
      // The embedded engine when it plays Azure Cosmos DB.
      {{"localhost"}, R"({"localdb": {}, "setName": "globaldb"})", Dialect::kCosmosRu},
      {{"a.mongo.cosmos.azure.com"}, "{}", Dialect::kCosmosRu},
      {{"a.documents.azure.com"}, "{}", Dialect::kCosmosRu},
      {{"a.mongocluster.cosmos.azure.com"}, "{}", Dialect::kDocumentDb},
      {{"a.global.mongocluster.cosmos.azure.com"}, "{}", Dialect::kDocumentDb},
      {{"localhost"}, R"({"internal": {"documentdb_versions": ["1"]}})", Dialect::kDocumentDb},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(detect_dialect(one.hosts, bson::from_json(one.hello)), one.dialect)
        << one.hosts[0] << " " << one.hello;
  }
}

TEST(Dialect, WritesAreRepeatedOnlyByServersWithSessionsThatAreNotAlone) {
  const auto can = [](const char* hello) { return can_retry_writes(bson::from_json(hello)); };
  EXPECT_TRUE(can(R"({"logicalSessionTimeoutMinutes": 30, "setName": "rs"})"));
  EXPECT_TRUE(can(R"({"logicalSessionTimeoutMinutes": 30, "msg": "isdbgrid"})"));
  EXPECT_FALSE(can(R"({"logicalSessionTimeoutMinutes": 30})"));
  EXPECT_FALSE(can(R"({"setName": "rs"})"));
}

TEST(Dialect, RuTakesTwoMegabytesWhateverItSays) {
  const bson::Document hello = bson::from_json(R"({"maxBsonObjectSize": 16777216})");
  EXPECT_EQ(max_document_size(Dialect::kCosmosRu, hello), 2u << 20);
  EXPECT_EQ(max_document_size(Dialect::kMongoDb, hello), 16u << 20);
  EXPECT_EQ(max_document_size(Dialect::kMongoDb, bson::Document()), 16u << 20);
}

TEST(Dialect, EachHasAName) {
  EXPECT_EQ(to_string(Dialect::kMongoDb), "mongodb");
  EXPECT_EQ(to_string(Dialect::kLocalDb), "localdb");
  EXPECT_EQ(to_string(Dialect::kCosmosRu), "cosmos-ru");
  EXPECT_EQ(to_string(Dialect::kDocumentDb), "documentdb");
}

}  // namespace
}  // namespace gesso::mongo
