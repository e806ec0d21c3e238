// An account of Cosmos DB within the test: an engine on a folder of its own whose clock moves when
// the test says so.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/localdb/cosmos/dialect.hpp"
#include "gesso/localdb/cosmos/index_kinds.hpp"
#include "gesso/localdb/engine/engine.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/temp_dir.hpp"

namespace gesso::localdb::cosmos {

class AccountTest : public ::testing::Test {
 protected:
  gesso::testing::TempDir folder_;
  gesso::testing::FakeClock clock_;
  SystemRandom random_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<CosmosDialect> dialect_;
  std::unique_ptr<Engine> engine_;
  Client client_{.id = 1, .peer = "test", .is_local = true};

  // Ends the one before; what is stored stays.
  void open(CosmosOptions options) {
    engine_.reset();
    dialect_.reset();
    store_.reset();
    store_ = std::make_unique<Store>(StoreOptions{.data_dir = folder_ / "data",
                                                  .read_index = cosmos::read_index,
                                                  .sweep_period = std::chrono::milliseconds{0},
                                                  .clock = &clock_});
    dialect_ = std::make_unique<CosmosDialect>(std::move(options), clock_, random_);
    engine_ = std::make_unique<Engine>(EngineOptions{.dialect = dialect_.get()}, *store_, clock_,
                                       random_);
  }

  // So much that nothing is throttled.
  void open_wide(CosmosOptions options = {}) {
    options.ru = 100'000'000;
    options.partitions = options.partitions == 0 ? 1 : options.partitions;
    open(std::move(options));
  }

  bson::Document run_on(Client& client, bson::View command, std::string_view db = "test") {
    bson::Builder body;
    body.append_all(command);
    body.append("$db", db);
    const bson::Document whole = body.finish();
    wire::Message message;
    message.body = whole;
    return engine_->run(client, message).reply;
  }
  bson::Document run(bson::View command) { return run_on(client_, command); }
  bson::Document run(const std::string& json) { return run(bson::from_json(json).view()); }

  // Of a command that must succeed.
  bson::Document good(const std::string& json) {
    bson::Document reply = run(json);
    EXPECT_EQ(reply["ok"].number(), 1) << json << "\n" << bson::to_json(reply);
    EXPECT_FALSE(reply.contains("writeErrors")) << json << "\n" << bson::to_json(reply);
    return reply;
  }
  int code(const std::string& json) { return code_of(run(json)); }
  std::string text(const std::string& json) { return text_of(run(json)); }
  static int code_of(bson::View reply) {
    return static_cast<int>(reply["code"].integer().value_or(0));
  }
  static std::string text_of(bson::View reply) {
    const bson::Value text = reply["errmsg"];
    return text.is_string() ? std::string(text.as_string()) : "";
  }
  // As JSON, without spaces.
  template <class T>
  static std::string json(const T& value) {
    std::string text = bson::to_json(value);
    std::erase(text, ' ');
    return text;
  }
  // The first batch.
  std::string found(const std::string& command) {
    return json(good(command).view().at_path("cursor.firstBatch"));
  }
  // Of the last command.
  double charge() { return good("{\"getLastRequestStatistics\": 1}")["RequestCharge"].as_double(); }
  void insert(const std::string& collection, const std::string& document) {
    good("{\"insert\": \"" + collection + "\", \"documents\": [" + document + "]}");
  }
  // A document that is `bytes` long, by its field `fill`.
  static bson::Document sized(bson::View fields, std::size_t bytes) {
    bson::Builder out;
    out.append_all(fields);
    out.append("fill", "");
    const std::size_t bare = out.finish().size();
    out.append_all(fields);
    out.append("fill", std::string(bytes - bare, 'x'));
    return out.finish();
  }
  bson::Document insert_all(const std::string& collection,
                            const std::vector<bson::Document>& documents, bool ordered = true) {
    bson::Builder command;
    command.append("insert", collection);
    {
      const auto list = command.array("documents");
      for (const bson::Document& document : documents) command.push(document.view());
    }
    command.append("ordered", ordered);
    return run(command.finish().view());
  }
  void advance(std::int64_t milliseconds) {
    clock_.advance(std::chrono::milliseconds(milliseconds));
  }
};

}  // namespace gesso::localdb::cosmos
