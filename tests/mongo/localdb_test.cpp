// The service against the embedded engine: the same calls, a real server.

#include "gesso/localdb/localdb.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "gesso/bson/json.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/mongo/statistics.hpp"
#include "gesso/testing/tcp_gate.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using bson::make_array;
using bson::make_document;

class LocalDb : public ::testing::Test {
 protected:
  World world;
  testing::TempDir dir;
  std::unique_ptr<localdb::Server> server;
  std::unique_ptr<Service> service;

  void SetUp() override {
    start();
    service = connect(server->uri());
  }

  void start(std::uint16_t port = 0) {
    server = std::make_unique<localdb::Server>(localdb::ServerOptions{
        .data_dir = dir / "data", .listen_host = "127.0.0.1", .listen_port = port});
    server->start();
  }

  std::unique_ptr<Service> connect(const std::string& uri) {
    auto made = std::make_unique<Service>(short_options(uri), world.clock, world.random);
    made->connect();
    return made;
  }

  static bson::Document numbered(int n) { return make_document("_id", n, "n", n % 10); }
};

TEST_F(LocalDb, IsRecognised) { EXPECT_EQ(service->dialect(), Dialect::kLocalDb); }

TEST_F(LocalDb, WritesAndReadsBack) {
  service->run([](Session& session) {
    session.insert_one("c", make_document("_id", "a", "n", 1));
    EXPECT_EQ(session.find_one("c", make_document("_id", "a")).value()["n"].integer(), 1);
    const UpdateResult updated = session.update_one("c", make_document("_id", "a"),
                                                    make_document("$inc", make_document("n", 2)));
    EXPECT_EQ(updated.matched, 1);
    EXPECT_EQ(updated.modified, 1);
    const auto before = session.find_one_and_update("c", make_document("_id", "a"),
                                                    make_document("$set", make_document("n", 9)),
                                                    {.return_document = ReturnDocument::kBefore});
    EXPECT_EQ(before.value()["n"].integer(), 3);
    const UpdateResult upserted = session.update_one(
        "c", make_document("_id", "b"), make_document("$set", make_document("n", 5)), Upsert::kYes);
    EXPECT_TRUE(upserted.upserted);
    EXPECT_EQ(upserted.matched, 0);
    EXPECT_EQ(session.count("c", make_document("n", make_document("$gte", 5))), 2);
    EXPECT_EQ(
        session.update_many("c", bson::Document(), make_document("$inc", make_document("n", 1)))
            .modified,
        2);
    EXPECT_EQ(session.delete_one("c", make_document("_id", "a")), 1);
    EXPECT_EQ(session.delete_many("c", bson::Document()), 1);
    EXPECT_FALSE(session.find_one("c", bson::Document()));
  });
}

TEST_F(LocalDb, InsertsManyInBatchesAndReadsThemThroughACursor) {
  constexpr int kDocuments = 2500;
  std::vector<bson::Document> documents;
  for (int i = 0; i < kDocuments; ++i) documents.push_back(numbered(i));
  service->run([&](Session& session) {
    EXPECT_EQ(session.insert_many("c", documents).inserted, kDocuments);
    documents = {numbered(1), numbered(kDocuments), numbered(2)};
    const InsertManyResult again = session.insert_many("c", documents);
    EXPECT_EQ(again.inserted, 1);
    ASSERT_EQ(again.failures.size(), 2u);
    EXPECT_EQ(again.failures[0].index, 0u);
    EXPECT_EQ(again.failures[1].index, 2u);
    EXPECT_EQ(again.failures[1].error.kind(), ErrorKind::kDuplicate);

    int expected = kDocuments;
    Cursor cursor =
        session.find("c", bson::Document(), {.sort = make_document("_id", -1), .batch_size = 100});
    while (const auto document = cursor.next()) {
      EXPECT_EQ((*document)["_id"].integer(), expected--);
    }
    EXPECT_EQ(expected, -1);

    Cursor groups = session.aggregate(
        "c", make_array(make_document("$match", make_document("_id", make_document("$lt", 100))),
                        make_document("$group", make_document("_id", "$n", "count",
                                                              make_document("$sum", 1)))));
    int counted = 0;
    while (const auto group = groups.next()) {
      EXPECT_EQ((*group)["count"].integer(), 10);
      ++counted;
    }
    EXPECT_EQ(counted, 10);
  });
}

TEST_F(LocalDb, ATakenUniqueValueNamesItsField) {
  const std::vector<CollectionIndex> wanted{
      {"users", {.keys = make_document("email", 1), .unique = true}}};
  service->run([&](Session& session) {
    create_indexes(session, wanted);
    session.insert_one("users", make_document("_id", "a", "email", "x@y.z"));
  });
  const Error insert = error_of([&] {
    service->run([](Session& session) {
      session.insert_one("users", make_document("_id", "b", "email", "x@y.z"));
    });
  });
  EXPECT_EQ(insert.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(insert.field(), "email");
  const Error modify = error_of([&] {
    service->run([](Session& session) {
      session.insert_one("users", make_document("_id", "c", "email", "c@y.z"));
      (void)session.find_one_and_update("users", make_document("_id", "c"),
                                        make_document("$set", make_document("email", "x@y.z")));
    });
  });
  EXPECT_EQ(modify.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(modify.field(), "email");
}

TEST_F(LocalDb, TwentyAtOnceMakeTheSameIndexesOnce) {
  const std::vector<CollectionIndex> wanted{
      {"users", {.keys = make_document("email", 1), .unique = true}},
      {"users", {.keys = make_document("tier", 1, "created_at", -1)}},
      {"logs", {.keys = make_document("expires_at", 1), .expire_after_seconds = 0}},
      {"subs",
       {.keys = make_document("stripe_id", 1),
        .unique = true,
        .partial_filter = make_document("stripe_id", make_document("$exists", true))}},
  };
  std::atomic<int> failed{0};
  {
    std::vector<std::jthread> processes;  // as far as the server can tell
    for (int i = 0; i < 20; ++i) {
      processes.emplace_back([&] {
        try {
          Service own(short_options(server->uri()), world.clock, world.random);
          own.connect();
          own.run([&](Session& session) { create_indexes(session, wanted); });
        } catch (const Error& error) {
          ++failed;
          ADD_FAILURE() << error.what();
        }
      });
    }
  }
  EXPECT_EQ(failed, 0);
  service->run([&](Session& session) {
    const IndexPlan plan = plan_indexes(session, wanted);
    EXPECT_TRUE(plan.is_settled()) << plan.to_text();
    EXPECT_EQ(plan.keep.size(), 4u);
    EXPECT_TRUE(plan.extra.empty());
    // Two without the value do not collide, two with the same one do.
    session.insert_one("subs", make_document("_id", 1));
    session.insert_one("subs", make_document("_id", 2));
    session.insert_one("subs", make_document("_id", 3, "stripe_id", "s"));
    EXPECT_THROW(session.insert_one("subs", make_document("_id", 4, "stripe_id", "s")), Error);
  });
}

TEST_F(LocalDb, TellsItsStatistics) {
  service->run([](Session& session) {
    for (int i = 0; i < 10; ++i) session.insert_one("c", numbered(i));
    const std::vector<CollectionIndex> wanted{{"c", {.keys = make_document("n", 1)}}};
    create_indexes(session, wanted);
    const DatabaseStatistics stats = database_stats(session);
    EXPECT_EQ(stats.database, "test");
    EXPECT_FALSE(stats.server_version.empty());
    EXPECT_EQ(stats.dialect, Dialect::kLocalDb);
    EXPECT_EQ(stats.documents, 10);
    ASSERT_EQ(stats.collections.size(), 1u);
    EXPECT_EQ(stats.collections[0].documents, 10);
    EXPECT_GT(stats.collections[0].data_mb, 0.0);
    EXPECT_TRUE(stats.collections[0].storage_mb);
    ASSERT_EQ(stats.collections[0].indexes.size(), 2u);
    EXPECT_EQ(stats.collections[0].indexes[0].name, "_id_");
    EXPECT_EQ(stats.collections[0].indexes[1].name, "n_1");
    EXPECT_TRUE(stats.collections[0].indexes[1].size_mb);
  });
}

TEST_F(LocalDb, IsReachedThroughAUnixSocket) {
  const std::string socket = (dir / "db.sock").string();
  localdb::Server other({.data_dir = dir / "other", .unix_socket = socket});
  other.start();
  const auto local = connect(other.uri());
  local->run([](Session& session) {
    session.insert_one("c", numbered(1));
    EXPECT_TRUE(session.find_one("c", make_document("_id", 1)));
  });
}

TEST_F(LocalDb, HealsAfterTheServerWasRestarted) {
  service->run([](Session& session) { session.insert_one("c", numbered(1)); });
  const std::uint16_t port = server->port();
  server.reset();
  EXPECT_EQ(error_of([&] {
              service->run(Deadline::after(1s), [](Session& session) {
                session.update_many("c", bson::Document(),
                                    make_document("$inc", make_document("n", 1)));
              });
            }).kind(),
            ErrorKind::kUnavailable);
  start(port);
  service->run([](Session& session) {
    EXPECT_EQ(session.find_one("c", make_document("_id", 1)).value()["n"].integer(), 1);
  });
}

TEST_F(LocalDb, AWriteWhoseAnswerWasLostIsDoneOnce) {
  testing::TcpGate gate(server->port());
  const auto behind = connect("mongodb://127.0.0.1:" + std::to_string(gate.port()));
  behind->run([&](Session& session) {
    session.insert_one("c", make_document("_id", "a", "n", 0));
    for (int i = 0; i < 3; ++i) {
      gate.cut_after(20);  // the answer breaks off; the write is done
      try {
        session.update_one("c", make_document("_id", "a"),
                           make_document("$inc", make_document("n", 1)));
      } catch (const Error& error) {
        // Allowed where the server does not offer to know a write again; twice never is.
        EXPECT_EQ(error.kind(), ErrorKind::kUnavailable) << error.what();
        EXPECT_FALSE(error.retryable());
      }
    }
    EXPECT_EQ(session.find_one("c", make_document("_id", "a")).value()["n"].integer(), 3);
  });
}

TEST_F(LocalDb, AWrongPasswordIsRefusedWithoutBeingShown) {
  service->run([](Session& session) {
    (void)session.run_command(
        "admin", make_document("createUser", "ann", "pwd", "s3cret+/==", "roles",
                               make_array(make_document("role", "root", "db", "admin"))));
  });
  service.reset();
  const std::uint16_t port = server->port();
  server.reset();
  localdb::Server strict({.data_dir = dir / "data",
                          .listen_host = "127.0.0.1",
                          .listen_port = port,
                          .require_auth = true});
  strict.start();
  const std::string host = "@127.0.0.1:" + std::to_string(port) + "/?authSource=admin";
  // Raw, as a portal shows it.
  const auto good = connect("mongodb://ann:s3cret+/==" + host);
  EXPECT_EQ(good->run([](Session& session) { return session.count("c", bson::Document()); }), 0);
  const Error error = error_of([&] { (void)connect("mongodb://ann:hunter2" + host); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth) << error.what();
  EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("hunter2")));
}

TEST_F(LocalDb, AUnitWithoutTimeEndsAtItsDeadline) {
  const Error error = error_of([&] {
    service->run(Deadline::after(-1ms),
                 [](Session& session) { (void)session.find_one("c", bson::Document()); });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
}

TEST_F(LocalDb, Takes16MegabytesAndRefuses17) {
  service->run([](Session& session) {
    const std::string most((16u << 20) - 100, 'x');
    session.insert_one("c", make_document("_id", 1, "blob", most));
    const auto back = session.find_one("c", make_document("_id", 1));
    EXPECT_EQ(back.value()["blob"].as_string().size(), most.size());
    EXPECT_EQ(error_of([&] {
                session.insert_one("c",
                                   make_document("_id", 2, "blob", std::string(17u << 20, 'x')));
              }).kind(),
              ErrorKind::kValidation);
  });
}

}  // namespace
}  // namespace gesso::mongo
