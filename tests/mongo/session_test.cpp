#include "gesso/mongo/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <map>
#include <mutex>

#include "gesso/bson/json.hpp"
#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using bson::make_array;
using bson::make_document;
using testing::Answer;
using testing::ScriptedServer;

// What the tests script: an answer to each command by name.
class SessionTest : public ::testing::Test {
 protected:
  std::function<Answer(bson::View)> script = [](bson::View) { return Answer::standard(); };
  bson::Document hello_extra;
  World world;

  class Running {
   public:
    ScriptedServer server;
    Service service;
    Running(std::function<Answer(bson::View)> script, bson::Document hello, World& world,
            const std::string& options)
        : server(std::move(script), std::move(hello)),
          service(short_options(server.uri() + options), world.clock, world.random) {}
  };
  Running start(const std::string& options = "") { return {script, hello_extra, world, options}; }

  static std::string_view name(bson::View command) { return command.begin()->key; }
};

TEST_F(SessionTest, FindOneSendsOneFindAndGivesTheFirstDocument) {
  script = [](bson::View) {
    return Answer::batch("test.users", make_array(make_document("_id", "a", "n", 1)));
  };
  Running it = start();
  const auto found = it.service.run([](Session& session) {
    return session.find_one("users", make_document("_id", "a"),
                            {.sort = make_document("n", -1), .skip = 2});
  });
  ASSERT_TRUE(found);
  EXPECT_EQ(bson::to_json(*found), bson::to_json(make_document("_id", "a", "n", 1)));
  const auto sent = it.server.commands("find");
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0]["find"].as_string(), "users");
  EXPECT_EQ(sent[0]["$db"].as_string(), "test");
  EXPECT_EQ(sent[0].view().at_path("filter._id").as_string(), "a");
  EXPECT_EQ(sent[0].view().at_path("sort.n").as_int32(), -1);
  EXPECT_EQ(sent[0]["skip"].integer(), 2);
  EXPECT_EQ(sent[0]["limit"].integer(), 1);
  EXPECT_TRUE(sent[0]["singleBatch"].as_bool());
}

TEST_F(SessionTest, FindOneGivesNothingForAnEmptyBatch) {
  script = [](bson::View) { return Answer::batch("test.users", {}); };
  Running it = start();
  EXPECT_FALSE(it.service.run(
      [](Session& session) { return session.find_one("users", make_document("_id", "a")); }));
}

TEST_F(SessionTest, EveryCommandCarriesTheDeadlineAsMaxTime) {
  script = [](bson::View command) {
    const std::string_view name = command.begin()->key;
    if (name == "find" || name == "aggregate") return Answer::batch("test.c", {});
    if (name == "count") return Answer::reply(make_document("n", 1, "ok", 1.0));
    if (name == "insert" || name == "update" || name == "delete") {
      return Answer::reply(make_document("n", 1, "nModified", 1, "ok", 1.0));
    }
    return Answer::ok();
  };
  hello_extra = make_document("localdb", 1);
  Running it = start();
  it.service.connect();
  it.service.run(Deadline::after(3s), [](Session& session) {
    const bson::Document id = make_document("_id", "a");
    const bson::Document set = make_document("$set", make_document("n", 1));
    (void)session.find_one("c", id);
    (void)session.find("c", id).next();
    (void)session.aggregate("c", make_array(make_document("$match", id))).next();
    (void)session.count("c", id);
    session.insert_one("c", id);
    const std::vector<bson::Document> many{id};
    (void)session.insert_many("c", many);
    session.update_one("c", id, set);
    session.update_many("c", id, set);
    (void)session.find_one_and_update("c", id, set);
    session.delete_one("c", id);
    session.delete_many("c", id);
    (void)session.run_command(make_document("distinct", "c", "key", "n"));
  });
  std::size_t seen = 0;
  for (const bson::Document& command : it.server.commands()) {
    if (command["$db"].as_string() != "test") continue;
    ++seen;
    const auto limit = command["maxTimeMS"].integer();
    ASSERT_TRUE(limit) << bson::to_json(command);
    EXPECT_GT(*limit, 0);
    EXPECT_LE(*limit, 3000);
  }
  EXPECT_EQ(seen, 13u);  // the twelve, and the read with which the service connected
}

TEST_F(SessionTest, GetMoreCarriesNoMaxTime) {
  script = [](bson::View command) {
    if (command.begin()->key == "getMore") {
      return Answer::reply(
          make_document("cursor",
                        make_document("nextBatch", make_array(make_document("_id", 2)), "id",
                                      std::int64_t{0}, "ns", "test.c"),
                        "ok", 1.0));
    }
    return Answer::reply(
        make_document("cursor",
                      make_document("firstBatch", make_array(make_document("_id", 1)), "id",
                                    std::int64_t{7}, "ns", "test.c"),
                      "ok", 1.0));
  };
  Running it = start();
  const int sum = it.service.run([](Session& session) {
    int total = 0;
    Cursor cursor = session.find("c", bson::Document(), {.batch_size = 1});
    while (const auto document = cursor.next()) total += (*document)["_id"].as_int32();
    return total;
  });
  EXPECT_EQ(sum, 3);
  ASSERT_EQ(it.server.commands("getMore").size(), 1u);
  EXPECT_FALSE(it.server.commands("getMore")[0].contains("maxTimeMS"));
  EXPECT_EQ(it.server.commands("find")[0]["batchSize"].integer(), 1);
}

TEST_F(SessionTest, AWriteErrorIsThrownWithItsField) {
  script = [](bson::View) {
    return Answer::reply(make_document(
        "n", 0, "writeErrors",
        make_array(make_document("index", 0, "code", 11000, "errmsg", "E11000 duplicate key",
                                 "keyPattern", make_document("email", 1))),
        "ok", 1.0));
  };
  Running it = start();
  const Error error = error_of([&] {
    it.service.run(
        [](Session& session) { session.insert_one("users", make_document("_id", "a")); });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(error.field(), "email");
  EXPECT_EQ(error.ns(), "test.users");
  EXPECT_EQ(error.operation(), "insert");
  EXPECT_EQ(error.server_code(), 11000);
}

TEST_F(SessionTest, InsertManyReportsEachRefusedItemAtItsPlace) {
  script = [](bson::View) {
    return Answer::reply(make_document(
        "n", 2, "writeErrors",
        make_array(make_document("index", 1, "code", 11000, "errmsg",
                                 "E11000 duplicate key error collection: test.c index: _id_ dup")),
        "ok", 1.0));
  };
  Running it = start();
  // The second is too large for any server and never goes out; the server's 1 is our 2.
  std::vector<bson::Document> documents;
  documents.push_back(make_document("_id", 1));
  documents.push_back(make_document("_id", 2, "blob", std::string(17 << 20, 'x')));
  documents.push_back(make_document("_id", 3));
  documents.push_back(make_document("_id", 4));
  const InsertManyResult result =
      it.service.run([&](Session& session) { return session.insert_many("c", documents); });
  EXPECT_EQ(result.inserted, 2);
  ASSERT_EQ(result.failures.size(), 2u);
  EXPECT_EQ(result.failures[0].index, 1u);
  EXPECT_EQ(result.failures[0].error.kind(), ErrorKind::kValidation);
  EXPECT_EQ(result.failures[1].index, 2u);
  EXPECT_EQ(result.failures[1].error.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(result.failures[1].error.field(), "_id");
  const auto sent = it.server.commands("insert");
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0]["documents"].as_document().count(), 3u);
  EXPECT_FALSE(sent[0]["ordered"].as_bool());
}

TEST_F(SessionTest, ADocumentOf17MegabytesIsRefusedBeforeItIsSent) {
  Running it = start();
  const Error error = error_of([&] {
    it.service.run([](Session& session) {
      session.insert_one("c", make_document("_id", 1, "blob", std::string(17 << 20, 'x')));
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kValidation);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("expected at most 16777216 bytes"));
  EXPECT_TRUE(it.server.commands("insert").empty());
}

TEST_F(SessionTest, UpdateOneTellsMatchedModifiedAndUpserted) {
  script = [](bson::View command) {
    const bson::Value upsert = command.at_path("updates.0.upsert");
    if (upsert.truthy()) {
      return Answer::reply(make_document("n", 1, "nModified", 0, "upserted",
                                         make_array(make_document("index", 0, "_id", "a")), "ok",
                                         1.0));
    }
    return Answer::reply(make_document("n", 1, "nModified", 0, "ok", 1.0));
  };
  Running it = start();
  it.service.run([](Session& session) {
    const bson::Document set = make_document("$set", make_document("n", 1));
    const UpdateResult plain = session.update_one("c", make_document("_id", "a"), set);
    EXPECT_EQ(plain.matched, 1);
    EXPECT_EQ(plain.modified, 0);
    EXPECT_FALSE(plain.upserted);
    const UpdateResult made = session.update_one("c", make_document("_id", "a"), set, Upsert::kYes);
    EXPECT_EQ(made.matched, 0);
    EXPECT_TRUE(made.upserted);
  });
}

TEST_F(SessionTest, FindOneAndUpdateGivesTheDocumentOrNothing) {
  script = [](bson::View command) {
    if (command["upsert"].truthy()) {
      return Answer::reply(make_document("value", make_document("_id", "a"), "ok", 1.0));
    }
    return Answer::reply(make_document("value", bson::Null{}, "ok", 1.0));
  };
  Running it = start();
  it.service.run([](Session& session) {
    const bson::Document set = make_document("$set", make_document("n", 1));
    EXPECT_FALSE(session.find_one_and_update("c", make_document("_id", "a"), set));
    EXPECT_TRUE(session.find_one_and_update(
        "c", make_document("_id", "a"), set,
        {.return_document = ReturnDocument::kBefore, .upsert = Upsert::kYes}));
  });
  const auto sent = it.server.commands("findAndModify");
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0]["new"].as_bool());
  EXPECT_FALSE(sent[1]["new"].as_bool());
}

TEST_F(SessionTest, AReadThatLostItsConnectionIsRepeatedOnce) {
  auto calls = std::make_shared<std::atomic<int>>(0);
  script = [calls](bson::View command) {
    if (command.begin()->key != "find") return Answer::standard();
    if (++*calls == 1) return Answer::hang_up();
    return Answer::batch("test.c", make_array(make_document("_id", 1)));
  };
  Running it = start();
  EXPECT_TRUE(it.service.run(
      [](Session& session) { return session.find_one("c", make_document("_id", 1)); }));
  EXPECT_EQ(*calls, 2);
}

TEST_F(SessionTest, ACursorThatLostItsConnectionBeforeItsFirstDocumentIsOpenedAgain) {
  auto calls = std::make_shared<std::atomic<int>>(0);
  script = [calls](bson::View command) {
    if (command.begin()->key != "find") return Answer::standard();
    if (++*calls == 1) return Answer::hang_up();
    return Answer::batch("test.c", make_array(make_document("_id", 1)));
  };
  Running it = start();
  it.service.run([](Session& session) {
    Cursor cursor = session.find("c", make_document("_id", 1));
    EXPECT_TRUE(cursor.next());
    EXPECT_FALSE(cursor.next());
  });
  EXPECT_EQ(*calls, 2);
}

constexpr const char* kTooMany = "Error=16500, RetryAfterMs=8, Details='Request rate is large";

Answer throttled() { return Answer::error(16500, kTooMany); }
Answer throttled_items(const std::vector<int>& indexes, int done) {
  bson::Builder errors;
  for (const int index : indexes) {
    errors.push(make_document("index", index, "code", 16500, "errmsg", kTooMany));
  }
  return Answer::reply(
      make_document("n", done, "writeErrors", bson::Array(errors.finish()), "ok", 1.0));
}

TEST_F(SessionTest, WhatIsThrottledIsRepeatedWhenTheServerSays) {
  std::map<std::string, int> calls;
  script = [&calls](bson::View command) {
    const std::string name(command.begin()->key);
    const bool is_statement = name == "insert" || name == "update" || name == "delete";
    const bool is_data = is_statement || name == "find" || name == "findAndModify";
    if (!is_data) return Answer::standard();
    if (++calls[name] < 3) return is_statement ? throttled_items({0}, 0) : throttled();
    if (name == "find") return Answer::batch("test.c", make_array(make_document("_id", 1)));
    if (name == "findAndModify")
      return Answer::reply(make_document("value", make_document("_id", 1), "ok", 1.0));
    return Answer::reply(make_document("n", 1, "nModified", 1, "ok", 1.0));
  };
  Running it = start();
  const auto began = std::chrono::steady_clock::now();
  it.service.run([](Session& session) {
    const bson::Document one = make_document("_id", 1);
    const bson::Document change = make_document("$inc", make_document("n", 1));
    session.insert_one("c", one);
    EXPECT_EQ(session.update_one("c", one, change).modified, 1);
    EXPECT_EQ(session.delete_one("c", one), 1);
    EXPECT_TRUE(session.find_one("c", one));
    EXPECT_TRUE(session.find_one_and_update("c", one, change));
  });
  EXPECT_GE(std::chrono::steady_clock::now() - began, 5 * 2 * 8ms);
  for (const auto& [name, count] : calls) EXPECT_EQ(count, 3) << name;
}

TEST_F(SessionTest, ACursorThatIsThrottledBeforeItsFirstDocumentIsOpenedAgain) {
  auto calls = std::make_shared<std::atomic<int>>(0);
  script = [calls](bson::View command) {
    if (command.begin()->key != "find") return Answer::standard();
    if (++*calls == 1) return throttled();
    return Answer::batch("test.c", make_array(make_document("_id", 1)));
  };
  Running it = start();
  it.service.run([](Session& session) { EXPECT_TRUE(session.find("c", bson::Document()).next()); });
  EXPECT_EQ(*calls, 2);
}

TEST_F(SessionTest, OfABatchOnlyWhatWasThrottledGoesOutAgain) {
  auto calls = std::make_shared<std::atomic<int>>(0);
  script = [calls](bson::View command) {
    if (command.begin()->key != "insert") return Answer::standard();
    if (++*calls == 1) return throttled_items({1, 2}, 1);
    return Answer::reply(make_document("n", 2, "ok", 1.0));
  };
  Running it = start();
  it.service.run([](Session& session) {
    const std::vector<bson::Document> documents{make_document("_id", 1), make_document("_id", 2),
                                                make_document("_id", 3)};
    const InsertManyResult result = session.insert_many("c", documents);
    EXPECT_EQ(result.inserted, 3);
    EXPECT_TRUE(result.failures.empty());
  });
  const auto sent = it.server.commands("insert");
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].view().at_path("documents.0._id").as_int32(), 2);
  EXPECT_EQ(sent[1]["documents"].as_document().count(), 2u);
}

TEST_F(SessionTest, ThrottlingThatOutlastsTheDeadlineIsSaidToBeThat) {
  script = [](bson::View command) {
    return command.begin()->key == "find" ? throttled() : Answer::standard();
  };
  Running it = start();
  const Error error = error_of([&] {
    it.service.run(Deadline::after(500ms),
                   [](Session& session) { (void)session.find_one("c", bson::Document()); });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kThrottled);
  EXPECT_EQ(error.retry_after(), 8ms);
  EXPECT_GE(it.server.commands("find").size(), 2u);
}

TEST_F(SessionTest, AServiceThatStopsDoesNotWaitForCapacity) {
  std::promise<void> asked;
  std::atomic<int> finds = 0;
  script = [&](bson::View command) {
    if (command.begin()->key != "find" || command["filter"].as_document()["n"].integer() != 1) {
      return Answer::standard();
    }
    if (++finds == 1) asked.set_value();
    return Answer::error(16500, "Error=16500, RetryAfterMs=10000");
  };
  Running it = start();
  auto unit = std::async(std::launch::async, [&] {
    return error_of([&] {
      it.service.run(Deadline::after(15s),
                     [](Session& session) { (void)session.find_one("c", make_document("n", 1)); });
    });
  });
  asked.get_future().wait();
  it.service.stop();
  EXPECT_EQ(unit.get().kind(), ErrorKind::kThrottled);
  EXPECT_EQ(finds, 1);  // who had waited would have asked again
}

TEST_F(SessionTest, AnUpdateOfManyThatWasThrottledHalfWayIsNotRepeated) {
  script = [](bson::View command) {
    return command.begin()->key == "update" ? throttled_items({0}, 2) : Answer::standard();
  };
  Running it = start();
  const Error error = error_of([&] {
    it.service.run([](Session& session) {
      session.update_many("c", bson::Document(), make_document("$inc", make_document("n", 1)));
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kThrottled);
  EXPECT_FALSE(error.retryable());
  EXPECT_EQ(it.server.commands("update").size(), 1u);
}

TEST_F(SessionTest, AReadIsRepeatedOnlyOnce) {
  script = [](bson::View command) {
    return command.begin()->key == "find" ? Answer::error(91, "shutdown in progress")
                                          : Answer::standard();
  };
  Running it = start();
  const Error error = error_of([&] {
    it.service.run([](Session& session) { (void)session.find_one("c", bson::Document()); });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_TRUE(error.retryable());
  EXPECT_EQ(it.server.commands("find").size(), 2u);
}

TEST_F(SessionTest, AWriteIsNotRepeatedWhereTheServerCannot) {
  static constexpr auto kWrites =
      std::to_array<std::string_view>({"insert", "update", "findAndModify", "delete"});
  script = [](bson::View command) {
    return std::ranges::count(kWrites, command.begin()->key) > 0 ? Answer::hang_up()
                                                                 : Answer::standard();
  };
  Running it = start();
  it.service.connect();
  const bson::Document one = make_document("_id", 1);
  const bson::Document change = make_document("$inc", make_document("n", 1));
  for (const std::string_view write : kWrites) {
    const Error error = error_of([&] {
      it.service.run([&](Session& session) {
        if (write == "insert") session.insert_one("c", one);
        if (write == "update") session.update_one("c", one, change);
        if (write == "findAndModify") (void)session.find_one_and_update("c", one, change);
        if (write == "delete") session.delete_one("c", one);
      });
    });
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable) << write;
    EXPECT_FALSE(error.retryable()) << write;
    EXPECT_THAT(error.what(), ::testing::HasSubstr("whether it took effect is unknown"));
    const auto sent = it.server.commands(std::string(write));
    ASSERT_EQ(sent.size(), 1u) << write;
    EXPECT_FALSE(sent[0].contains("txnNumber")) << write;
  }
}

TEST_F(SessionTest, AWriteIsRepeatedWithTheSameNumberWhereTheServerCan) {
  auto calls = std::make_shared<std::atomic<int>>(0);
  script = [calls](bson::View command) {
    if (command.begin()->key != "insert") return Answer::standard();
    if (++*calls == 1) return Answer::hang_up();
    return Answer::reply(make_document("n", 1, "ok", 1.0));
  };
  hello_extra = make_document("msg", "isdbgrid", "logicalSessionTimeoutMinutes", 30);
  Running it = start();
  it.service.connect();
  it.service.run([](Session& session) { session.insert_one("c", make_document("_id", 1)); });
  const auto sent = it.server.commands("insert");
  ASSERT_EQ(sent.size(), 2u);
  ASSERT_TRUE(sent[0].contains("txnNumber"));
  EXPECT_EQ(sent[0]["txnNumber"].as_int64(), sent[1]["txnNumber"].as_int64());
  EXPECT_EQ(sent[0].view().at_path("writeConcern.w").as_string(), "majority");
}

// The second attempt did nothing, for certain; what the first one did, nobody knows.
TEST_F(SessionTest, AWriteThatWasLostOnceIsNotCalledSafeToRepeatByItsSecondFailure) {
  auto calls = std::make_shared<std::atomic<int>>(0);
  script = [calls](bson::View command) {
    if (command.begin()->key != "findAndModify") return Answer::standard();
    if (++*calls == 1) return Answer::hang_up();
    return Answer::reply(
        make_document("ok", 0.0, "code", 10107, "errmsg", "not primary", "codeName", "x"));
  };
  hello_extra = make_document("msg", "isdbgrid", "logicalSessionTimeoutMinutes", 30);
  Running it = start();
  it.service.connect();
  const auto charge = [&] {
    return error_of([&] {
      it.service.run([](Session& session) {
        (void)session.find_one_and_update("c", make_document("_id", 1),
                                          make_document("$inc", make_document("n", 1)));
      });
    });
  };
  const Error lost = charge();
  EXPECT_EQ(lost.kind(), ErrorKind::kUnavailable);
  EXPECT_FALSE(lost.retryable());
  EXPECT_THAT(lost.what(), ::testing::HasSubstr("whether it took effect is unknown"));
  ASSERT_EQ(it.server.commands("findAndModify").size(), 2u);
  EXPECT_TRUE(charge().retryable());  // refused twice, lost never
}

TEST_F(SessionTest, RetryWritesOffInTheUriSendsNoTransactionNumber) {
  script = [](bson::View command) {
    return command.begin()->key == "insert" ? Answer::reply(make_document("n", 1, "ok", 1.0))
                                            : Answer::standard();
  };
  hello_extra = make_document("msg", "isdbgrid", "logicalSessionTimeoutMinutes", 30);
  Running it = start("?retryWrites=false");
  it.service.connect();
  it.service.run([](Session& session) { session.insert_one("c", make_document("_id", 1)); });
  ASSERT_EQ(it.server.commands("insert").size(), 1u);
  EXPECT_FALSE(it.server.commands("insert")[0].contains("txnNumber"));
}

TEST_F(SessionTest, AServerWithoutSessionsIsServedWithoutThem) {
  script = [](bson::View command) {
    return command.begin()->key == "insert" ? Answer::reply(make_document("n", 1, "ok", 1.0))
                                            : Answer::standard();
  };
  Running it = start();
  it.service.run([](Session& session) { session.insert_one("c", make_document("_id", 1)); });
  EXPECT_FALSE(it.server.commands("insert")[0].contains("lsid"));
}

TEST_F(SessionTest, CountsByAggregationWhereTheCommandIsNotExact) {
  script = [](bson::View command) {
    const std::string_view name = command.begin()->key;
    if (name == "aggregate") {
      return Answer::batch("test.c", make_array(make_document("_id", bson::Null{}, "n", 5)));
    }
    if (name == "count") return Answer::reply(make_document("n", 4, "ok", 1.0));
    return Answer::standard();
  };
  const auto count = [](Session& session) { return session.count("c", bson::Document(), 10); };
  {
    Running it = start();
    it.service.connect();
    EXPECT_EQ(it.service.dialect(), Dialect::kMongoDb);
    EXPECT_EQ(it.service.run(count), 5);
  }
  hello_extra = make_document("localdb", 1);
  Running it = start();
  it.service.connect();
  EXPECT_EQ(it.service.dialect(), Dialect::kLocalDb);
  EXPECT_EQ(it.service.run(count), 4);
  EXPECT_EQ(it.server.commands("count")[0]["limit"].integer(), 10);
}

TEST_F(SessionTest, AnErrorOfAServersOwnCommandIsReadUnderItsOwnSpelling) {
  script = [](bson::View command) {
    if (command.begin()->key != "customAction") return Answer::standard();
    return Answer::reply(make_document("ok", 0.0, "code", 9, "errMsg", "no such action"));
  };
  Running it = start();
  const Error error = error_of([&] {
    it.service.run([](Session& session) {
      (void)session.run_command(make_document("customAction", "Nonsense"));
    });
  });
  EXPECT_EQ(error.server_code(), 9);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("no such action"));
}

TEST_F(SessionTest, AnObserverSeesEachCommandWithItsEnd) {
  ScriptedServer server([](bson::View command) {
    return command.begin()->key == "find" ? Answer::batch("test.c", {})
                                          : Answer::error(59, "no such command");
  });
  std::mutex mutex;
  std::vector<std::pair<std::string, bool>> seen;
  ServiceOptions options = short_options(server.uri());
  options.observe_command = [&](std::string_view name, bson::View command,
                                std::chrono::microseconds, bool ok) {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(command.begin()->key, name);
    seen.emplace_back(name, ok);
  };
  Service service(std::move(options), world.clock, world.random);
  service.run([](Session& session) {
    (void)session.find_one("c", bson::Document());
    EXPECT_THROW((void)session.run_command(make_document("nonsense", 1)), Error);
  });
  EXPECT_THAT(seen, ::testing::ElementsAre(std::pair("find", true), std::pair("nonsense", false)));
}

}  // namespace
}  // namespace gesso::mongo
