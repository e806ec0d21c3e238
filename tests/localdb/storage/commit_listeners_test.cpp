#include <future>
#include <stdexcept>
#include <thread>

#include "tests/localdb/storage/store_fixture.hpp"

namespace gesso::localdb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The values of `_id` that a listener was told, a line for each call.
class Told {
  std::vector<std::string> lines_;

 public:
  OnCommitted sink() {
    return [this](std::span<const bson::Document> ids) {
      std::string line;
      for (const bson::Document& id : ids) line += std::to_string(*id["_id"].integer()) + " ";
      lines_.push_back(line);
    };
  }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
};

class CommitListenersTest : public StoreFixture {
 protected:
  Told told_;
};

TEST_F(CommitListenersTest, InsertsReplacementsAndRemovalsAreTold) {
  const Listening listening = store().listen("test", "users", told_.sink());
  const RecordId id = insert(R"({"_id": 1, "n": 1})");
  write([&](WriteTransaction& txn) { txn.replace(users(txn), id, json(R"({"_id": 1, "n": 2})")); });
  write([&](WriteTransaction& txn) { txn.remove(users(txn), id); });
  EXPECT_THAT(told_.lines(), ElementsAre("1 ", "1 ", "1 "));
}

TEST_F(CommitListenersTest, WhatAnOperationChangesIsToldTogetherAndCanBeReadThen) {
  std::uint64_t seen = 0;
  const Listening listening =
      store().listen("test", "users", [&](std::span<const bson::Document> ids) {
        EXPECT_EQ(ids.size(), 2U);
        seen = documents();
      });
  write([&](WriteTransaction& txn) {
    txn.insert(users(txn), json(R"({"_id": 1})"));
    txn.insert(users(txn), json(R"({"_id": 2})"));
  });
  EXPECT_EQ(seen, 2U);
}

TEST_F(CommitListenersTest, WhatIsUndoneAndWhatChangesNothingIsNotTold) {
  const Listening listening = store().listen("test", "users", told_.sink());
  EXPECT_THROW(write([&](WriteTransaction& txn) {
                 txn.insert(users(txn), json(R"({"_id": 1})"));
                 throw std::runtime_error("no");
               }),
               std::runtime_error);
  const RecordId id = insert(R"({"_id": 2})");
  write([&](WriteTransaction& txn) { txn.replace(users(txn), id, json(R"({"_id": 2})")); });
  EXPECT_THAT(told_.lines(), ElementsAre("2 "));
}

TEST_F(CommitListenersTest, OtherCollectionsAreNotTold) {
  const Listening listening = store().listen("test", "pictures", told_.sink());
  const Listening elsewhere = store().listen("other", "users", told_.sink());
  insert(R"({"_id": 1})");
  EXPECT_THAT(told_.lines(), IsEmpty());
  write([&](WriteTransaction& txn) {
    txn.insert(*txn.ensure_collection("test", "pictures"), json(R"({"_id": 3})"));
  });
  EXPECT_THAT(told_.lines(), ElementsAre("3 "));
}

TEST_F(CommitListenersTest, WhoHasEndedIsNotToldAndTheOthersAre) {
  Told other;
  Listening first = store().listen("test", "users", told_.sink());
  const Listening second = store().listen("test", "users", other.sink());
  first.end();
  insert(R"({"_id": 1})");
  EXPECT_THAT(told_.lines(), IsEmpty());
  EXPECT_THAT(other.lines(), ElementsAre("1 "));
}

TEST_F(CommitListenersTest, TheEndWaitsForTheListenerThatRuns) {
  std::promise<void> began;
  std::promise<void> may_go_on;
  std::atomic<bool> is_done = false;
  Listening listening =
      store().listen("test", "users", [&](std::span<const bson::Document> /*ids*/) {
        began.set_value();
        may_go_on.get_future().wait();
        is_done = true;
      });
  std::jthread writer([&] { insert(R"({"_id": 1})"); });
  began.get_future().wait();
  auto ended = std::async(std::launch::async, [&] {
    listening.end();
    return is_done.load();
  });
  EXPECT_EQ(ended.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  may_go_on.set_value();
  EXPECT_TRUE(ended.get());
}

TEST_F(CommitListenersTest, AListenerThatThrowsHarmsNoWrite) {
  const Listening listening =
      store().listen("test", "users", [](std::span<const bson::Document> /*ids*/) {
        throw std::runtime_error("a listener's fault");
      });
  insert(R"({"_id": 1})");
  EXPECT_EQ(documents(), 1U);
}

TEST_F(CommitListenersTest, WritesOfManyThreadsAreEachToldOnce) {
  std::atomic<int> count = 0;
  const Listening listening = store().listen(
      "test", "users",
      [&](std::span<const bson::Document> ids) { count += static_cast<int>(ids.size()); });
  {
    std::vector<std::jthread> writers;
    for (int thread = 0; thread < 4; ++thread) {
      writers.emplace_back([this, thread] {
        for (int i = 0; i < 25; ++i) insert(bson::make_document("_id", thread * 100 + i));
      });
    }
  }
  EXPECT_EQ(count, 100);
}

}  // namespace
}  // namespace gesso::localdb
