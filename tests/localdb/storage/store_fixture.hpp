// A store in a folder of its own, and one collection `test.users` in it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "gesso/bson/json.hpp"
#include "gesso/localdb/index/spec.hpp"
#include "gesso/localdb/storage/check.hpp"
#include "gesso/localdb/storage/store.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/temp_dir.hpp"

namespace gesso::localdb {

class StoreFixture : public ::testing::Test {
 protected:
  gesso::testing::TempDir dir_;
  gesso::testing::FakeClock clock_;
  std::optional<Store> store_;

  template <class F>
  auto write(F&& operation) {
    return store_->write(std::forward<F>(operation));
  }

  void SetUp() override {
    store_.emplace(options());
    write([](WriteTransaction& txn) { txn.ensure_collection("test", "users"); });
  }

  [[nodiscard]] StoreOptions options() const {
    return {.data_dir = dir_.path(),
            .read_index = read_index,
            .map_bytes = 1U << 30,
            .sweep_period = std::chrono::milliseconds{0},
            .clock = &clock_};
  }
  [[nodiscard]] Store& store() { return *store_; }
  void reopen() {
    store_.reset();
    store_.emplace(options());
  }

  static bson::Document json(const std::string& text) { return bson::from_json(text); }

  static const Collection& users(const Transaction& txn) { return *collection(txn); }
  static CollectionPtr collection(const Transaction& txn) {
    return txn.find_collection("test", "users");
  }

  RecordId insert(const bson::Document& document) {
    return write([&](WriteTransaction& txn) { return txn.insert(users(txn), document); });
  }
  RecordId insert(const std::string& text) { return insert(json(text)); }
  bool create_index(const std::string& description) {
    const IndexKeysPtr keys = read_index(json(description));
    return write([&](WriteTransaction& txn) { return txn.create_index(users(txn), keys); });
  }
  [[nodiscard]] std::uint64_t documents() {
    const ReadTransaction read = store().read();
    return read.counters(*collection(read)).documents;
  }

  // Closes the store for the time of the check.
  void expect_clean() {
    store_.reset();
    EXPECT_THAT(check_folder(dir_.path(), read_index).faults, ::testing::IsEmpty());
    store_.emplace(options());
  }
};

}  // namespace gesso::localdb
