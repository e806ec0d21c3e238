// What a change stream asks of each kind of server, and what it makes of the answers.
#include "gesso/mongo/change_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/bson/json.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using bson::make_array;
using bson::make_document;
using testing::Answer;
using testing::ScriptedServer;

Answer batch(std::string_view name, const bson::Array& events) {
  return Answer::reply(make_document(
      "cursor", make_document(name, events, "id", std::int64_t{7}, "ns", "test.generations"), "ok",
      1.0));
}

bson::Array event_of(std::string_view id) {
  return make_array(
      make_document("_id", make_document("_data", id), "documentKey", make_document("_id", id)));
}

// A replica set that tells of a change with each batch; `refuses` to go on with this code.
ScriptedServer::Script tells(int refuses = 0) {
  return [refuses](bson::View command) {
    const std::string_view name = (*command.begin()).key;
    if (name == "aggregate") return batch("firstBatch", {});
    if (name != "getMore") return Answer::standard();
    return refuses != 0 ? Answer::error(refuses, "no") : batch("nextBatch", event_of("gen_a"));
  };
}

class ChangeStreamTest : public ::testing::Test {
 protected:
  World world;

  // What a stream of the server's generations tells first.
  std::optional<bson::Document> first_of(const std::string& uri,
                                         const std::function<void(Session&)>& meanwhile = {}) {
    Service service(short_options(uri), world.clock, world.random);
    service.connect();
    EXPECT_TRUE(service.has_change_streams());
    return service.run([&](Session& session) {
      ChangeStream stream(session, "generations", 100ms);
      if (meanwhile) meanwhile(session);
      return stream.next();
    });
  }
};

TEST_F(ChangeStreamTest, AReplicaSetIsAskedForIdsAlone) {
  ScriptedServer server(tells(), make_document("setName", "rs"));
  EXPECT_EQ(first_of(server.uri()), make_document("_id", "gen_a"));
  const auto opened = server.commands("aggregate");
  ASSERT_EQ(opened.size(), 1U);
  const bson::View pipeline = opened[0].view()["pipeline"].as_document();
  EXPECT_TRUE(pipeline.at_path("0.$changeStream").is_document());
  EXPECT_EQ(bson::Document(pipeline.at_path("1.$match").as_document()),
            bson::from_json(R"({"operationType": {"$in": ["update", "replace", "delete"]}})"));
  EXPECT_EQ(bson::Document(pipeline.at_path("2.$project").as_document()),
            bson::from_json(R"({"documentKey": 1})"));
  const auto asked = server.commands("getMore");
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(asked[0].view()["maxTimeMS"].integer(), 100);
}

TEST_F(ChangeStreamTest, WhatTheServerRefusesIsThrown) {
  constexpr int kNamespaceNotFound = 26;
  ScriptedServer server(tells(kNamespaceNotFound), make_document("setName", "rs"));
  const Error error = error_of([&] { (void)first_of(server.uri()); });
  EXPECT_EQ(error.server_code(), kNamespaceNotFound);
  EXPECT_EQ(error.ns(), "test.generations");
}

TEST_F(ChangeStreamTest, AServerThatIsAloneTellsOfNothing) {
  ScriptedServer server(tells());
  Service service(short_options(server.uri()), world.clock, world.random);
  service.connect();
  EXPECT_FALSE(service.has_change_streams());
}

TEST_F(ChangeStreamTest, AnAccountOfCosmosDbTellsInItsOneForm) {
  testing::TempDir folder;
  localdb::Server server({.data_dir = folder / "data",
                          .unix_socket = folder / "ru.sock",
                          .cosmos = localdb::CosmosOptions{.ru = 100'000}});
  server.start();
  const auto insert = [](Session& session) {
    session.insert_one("generations", make_document("_id", "gen_a", "status", "pending"));
  };
  {
    Service service(short_options(server.uri()), world.clock, world.random);
    service.connect();
    service.run([](Session& session) {
      session.insert_one("generations", make_document("_id", "gen_before"));
    });
  }
  EXPECT_EQ(first_of(server.uri(), insert), make_document("_id", "gen_a"));
  EXPECT_EQ(first_of(server.uri()), std::nullopt);
}

}  // namespace
}  // namespace gesso::mongo
