#include "gesso/mongo/statistics.hpp"

#include <gtest/gtest.h>

#include "gesso/bson/json.hpp"
#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using bson::from_json;
using testing::Answer;

Answer full(bson::View command) {
  const std::string_view name = command.begin()->key;
  if (name == "listCollections") {
    return Answer::reply(from_json(R"({"cursor": {"id": 0, "ns": "test.$cmd.listCollections",
        "firstBatch": [{"name": "users", "type": "collection"}, {"name": "logs"},
                       {"name": "system.views"}, {"name": "seen", "type": "view"}]}, "ok": 1})"));
  }
  if (name == "dbStats") {
    return Answer::reply(from_json(R"({"objects": 12, "dataSize": 3145728.0,
        "storageSize": 4194304, "indexSize": 524288, "ok": 1})"));
  }
  if (name == "collStats") {
    return Answer::reply(from_json(R"({"count": 6, "size": 1048576, "storageSize": 2097152,
        "totalIndexSize": 262144, "indexSizes": {"email_1": 131072, "_id_": 131072}, "ok": 1})"));
  }
  if (name == "aggregate" &&
      command["pipeline"].as_document().begin()->value.as_document().begin()->key ==
          "$indexStats") {
    return Answer::batch("test.users", bson::make_array(from_json(R"({"name": "email_1",
        "accesses": {"ops": 7, "since": {"$date": "2026-01-02T00:00:00Z"}}})")));
  }
  return Answer::standard();
}

TEST(Statistics, TellsDocumentsAndSizesOfEachCollectionAndIndex) {
  World world;
  const testing::ScriptedServer server(full);
  Service service(short_options(server.uri()), world.clock, world.random);
  const DatabaseStatistics stats = service.run(database_stats);
  EXPECT_EQ(stats.database, "test");
  EXPECT_EQ(stats.server_version, "7.0.0");
  EXPECT_EQ(stats.documents, 12);
  EXPECT_EQ(stats.data_mb, 3.0);
  EXPECT_EQ(stats.storage_mb, 4.0);
  EXPECT_EQ(stats.index_mb, 0.5);
  ASSERT_EQ(stats.collections.size(), 2u);
  EXPECT_EQ(stats.collections[0].name, "logs");
  const CollectionStatistics& users = stats.collections[1];
  EXPECT_EQ(users.name, "users");
  EXPECT_EQ(users.documents, 6);
  EXPECT_EQ(users.data_mb, 1.0);
  EXPECT_EQ(users.storage_mb, 2.0);
  EXPECT_EQ(users.index_mb, 0.25);
  ASSERT_EQ(users.indexes.size(), 2u);
  EXPECT_EQ(users.indexes[1].name, "email_1");
  EXPECT_EQ(users.indexes[1].size_mb, 0.125);
  EXPECT_EQ(users.indexes[1].uses, 7);
  EXPECT_EQ(users.indexes[1].uses_since,
            Time(std::chrono::sys_days{std::chrono::year{2026} / 1 / 2}));
  EXPECT_FALSE(users.indexes[0].uses);
  EXPECT_TRUE(stats.absent.empty());
}

TEST(Statistics, LeavesOutWhatTheServerDoesNotTell) {
  World world;
  const testing::ScriptedServer server([](bson::View command) {
    const std::string_view name = command.begin()->key;
    if (name == "listCollections") return full(command);
    const bool asks_for_use =
        name == "aggregate" &&
        command["pipeline"].as_document().begin()->value.as_document().begin()->key ==
            "$indexStats";
    if (asks_for_use) return Answer::error(40324, "Unrecognized pipeline stage name");
    if (name == "aggregate") {
      return Answer::batch("test.c", bson::make_array(bson::make_document("n", 3)));
    }
    if (name == "listIndexes") {
      return Answer::batch("test.c", bson::make_array(bson::make_document("name", "_id_")));
    }
    if (name == "collStats") return Answer::error(115, "CommandNotSupported");
    return Answer::error(59, "no such command");
  });
  Service service(short_options(server.uri()), world.clock, world.random);
  const DatabaseStatistics stats = service.run(database_stats);
  EXPECT_EQ(stats.server_version, "");
  EXPECT_FALSE(stats.data_mb);
  ASSERT_EQ(stats.collections.size(), 2u);
  EXPECT_EQ(stats.collections[0].documents, 3);
  EXPECT_FALSE(stats.collections[0].data_mb);
  ASSERT_EQ(stats.collections[0].indexes.size(), 1u);
  EXPECT_EQ(stats.collections[0].indexes[0].name, "_id_");
  EXPECT_FALSE(stats.collections[0].indexes[0].size_mb);
  EXPECT_FALSE(stats.collections[0].indexes[0].uses);
  EXPECT_EQ(stats.absent, (std::vector<std::string>{"sizes of the database (dbStats)",
                                                    "sizes of collections and indexes (collStats)",
                                                    "use of indexes ($indexStats)"}));
}

}  // namespace
}  // namespace gesso::mongo
