#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/bson/builder.hpp"
#include "tests/localdb/storage/store_fixture.hpp"

namespace gesso::localdb {
namespace {

using namespace std::chrono_literals;

class SweepTest : public StoreFixture {
 protected:
  std::set<std::int32_t> ids() {
    const ReadTransaction read = store().read();
    RecordCursor cursor(read, users(read));
    std::set<std::int32_t> found;
    for (bool more = cursor.first(); more; more = cursor.next()) {
      found.insert(cursor.document()["_id"].as_int32());
    }
    return found;
  }
};

TEST_F(SweepTest, DeletesWhatHasExpiredAndNothingElse) {
  for (const char* key : {R"({"at": 1})", R"({"at": -1})"}) {
    create_index(std::string(R"({"key": )") + key + R"(, "expireAfterSeconds": 60})");
    const Time now = clock_.now();
    insert(bson::make_document("_id", 1, "at", now - 61s));
    insert(bson::make_document("_id", 2, "at", now - 60s));
    insert(bson::make_document("_id", 3, "at", now - 59s));
    insert(bson::make_document("_id", 4, "at", "2001-01-01"));
    insert(bson::make_document("_id", 5));
    insert(bson::make_document("_id", 6, "at", bson::make_array(now + 1h, now - 2h)));
    insert(bson::make_document("_id", 7, "at", 5));
    EXPECT_EQ(store().sweep(), 3U) << key;
    EXPECT_EQ(ids(), (std::set<std::int32_t>{3, 4, 5, 7})) << key;
    clock_.advance(1s);
    EXPECT_EQ(store().sweep(), 1U) << key;
    expect_clean();
    write([&](WriteTransaction& txn) {
      txn.drop_collection("test", "users");
      txn.create_collection("test", "users");
    });
  }
}

TEST_F(SweepTest, GoesThroughMoreThanOneBatch) {
  create_index(R"({"key": {"at": 1}, "expireAfterSeconds": 0})");
  write([&](WriteTransaction& txn) {
    for (int i = 0; i < 1200; ++i) {
      txn.insert(users(txn), bson::make_document("_id", i, "at", clock_.now()));
    }
  });
  EXPECT_EQ(store().sweep(), 1200U);
  EXPECT_EQ(documents(), 0U);
}

TEST_F(SweepTest, ObeysAChangedExpiry) {
  create_index(R"({"key": {"at": 1}, "expireAfterSeconds": 3600, "name": "ttl"})");
  insert(bson::make_document("_id", 1, "at", clock_.now() - 10min));
  EXPECT_EQ(store().sweep(), 0U);
  write([&](WriteTransaction& txn) {
    IndexSpec changed = spec_of(*users(txn).index_by_name("ttl"));
    changed.expire_after_seconds = 60;
    txn.change_index(users(txn), "ttl", std::make_shared<const IndexSpec>(changed));
  });
  EXPECT_EQ(store().sweep(), 1U);
}

TEST_F(SweepTest, RunsByItselfEveryPeriod) {
  create_index(R"({"key": {"at": 1}, "expireAfterSeconds": 60})");
  insert(bson::make_document("_id", 1, "at", clock_.now() - 1h));
  store_.reset();
  StoreOptions often = options();
  often.sweep_period = 1ms;
  store_.emplace(often);
  while (documents() > 0) std::this_thread::yield();
}

}  // namespace
}  // namespace gesso::localdb
