// Change streams, in the one form that there is.
#include <future>
#include <thread>

#include "gesso/base/base64.hpp"
#include "gesso/base/meter.hpp"
#include "gesso/localdb/cosmos/change_feed.hpp"
#include "tests/localdb/cosmos/account_fixture.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr const char* kMatch =
    R"({"$match": {"operationType": {"$in": ["insert", "update", "replace"]}}})";
constexpr const char* kProject =
    R"({"$project": {"_id": 1, "fullDocument": 1, "ns": 1, "documentKey": 1}})";

class ChangeStreamTest : public AccountTest {
 protected:
  void SetUp() override {
    open_wide();
    insert("c", R"({"_id": 0})");
    // The clock has to move for a stream that waits; getMore asks it for no wait at all.
  }

  static std::string watch(const std::string& options = "", const std::string& match = kMatch,
                           const std::string& collection = "c") {
    return R"({"aggregate": ")" + collection +
           R"(", "pipeline": [{"$changeStream": {"fullDocument": "updateLookup")" + options +
           "}}, " + match + ", " + kProject + R"(], "cursor": {}})";
  }
  std::int64_t open_stream(const std::string& options = "", const std::string& match = kMatch) {
    const std::int64_t id =
        good(watch(options, match)).view().at_path("cursor.id").integer().value_or(0);
    EXPECT_NE(id, 0);
    return id;
  }
  bson::Document more(std::int64_t id) {
    return run(R"({"getMore": {"$numberLong": ")" + std::to_string(id) +
               R"("}, "collection": "c", "maxTimeMS": 0})");
  }
  // The ids of the next page's documents.
  static std::string ids(bson::View reply, const std::string& batch = "nextBatch") {
    std::string all;
    for (const auto& [key, event] : reply.at_path("cursor." + batch).as_document()) {
      all += std::to_string(*event.as_document().at_path("fullDocument._id").integer()) + " ";
    }
    return all;
  }
};

TEST_F(ChangeStreamTest, InsertsAndUpdatesComeInTheOrderOfModification) {
  const std::int64_t stream = open_stream();
  EXPECT_EQ(ids(more(stream)), "");
  insert("c", R"({"_id": 1})");
  insert("c", R"({"_id": 2})");
  good(R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 1}}}]})");
  const bson::Document page = more(stream);
  EXPECT_EQ(ids(page), "2 1 ");  // the insert of 1 and its update are one
  const bson::View event = page.view().at_path("cursor.nextBatch.1").as_document();
  EXPECT_EQ(json(event["fullDocument"]), R"({"_id":1,"a":1})");
  EXPECT_EQ(json(event["ns"]), R"({"db":"test","coll":"c"})");
  EXPECT_EQ(json(event["documentKey"]), R"({"_id":1})");
  EXPECT_EQ(event.count(), 4U);  // no operationType, no updateDescription
  EXPECT_EQ(event.at_path("_id._kind").integer(), 1);
  good(R"({"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]})");
  EXPECT_EQ(ids(more(stream)), "");
}

TEST_F(ChangeStreamTest, AWriteThatIsCommittedAfterTheOpeningIsNotLost) {
  std::promise<void> stamped_by_writer;
  std::promise<bson::Document> opened;
  std::future<bson::Document> stream = opened.get_future();
  bool was_open = false;
  std::thread writer([&] {
    store_->write([&](WriteTransaction& write) {
      const Stamp stamp = dialect_->next_stamp();
      stamped_by_writer.set_value();
      was_open = stream.wait_for(std::chrono::milliseconds{50}) == std::future_status::ready;
      (void)write.insert(*write.find_collection("test", "c"),
                         stamped(bson::make_document("_id", 1), stamp));
    });
  });
  stamped_by_writer.get_future().wait();
  std::thread opener([&] { opened.set_value(good(watch())); });
  writer.join();
  opener.join();
  const std::int64_t id = *stream.get().view().at_path("cursor.id").integer();
  // Either it was opened behind the write, or it tells of it.
  EXPECT_EQ(ids(more(id)), was_open ? "1 " : "");
  EXPECT_FALSE(was_open);
}

TEST_F(ChangeStreamTest, TheFirstReplySaysWhenItBegan) {
  const bson::Document reply = good(watch());
  EXPECT_TRUE(reply["operationTime"].is(bson::Type::kTimestamp));
}

TEST_F(ChangeStreamTest, AllEventsOfAPageHaveOneToken) {
  const std::int64_t stream = open_stream();
  for (int i = 1; i <= 3; ++i) insert("c", "{\"_id\": " + std::to_string(i) + "}");
  const bson::Document page = more(stream);
  ASSERT_EQ(ids(page), "1 2 3 ");
  const bson::View events = page.view().at_path("cursor.nextBatch").as_document();
  EXPECT_EQ(json(events.at_path("0._id")), json(events.at_path("2._id")));
  // Whoever resumes begins behind the page.
  insert("c", R"({"_id": 4})");
  const std::string resume = ", \"resumeAfter\": " + bson::to_json(events.at_path("0._id"));
  EXPECT_EQ(ids(good(watch(resume)), "firstBatch"), "4 ");
}

TEST_F(ChangeStreamTest, APageHasAHundredDocuments) {
  const std::int64_t stream = open_stream();
  std::vector<bson::Document> documents;
  for (int i = 1; i <= 150; ++i) documents.push_back(bson::make_document("_id", i));
  insert_all("c", documents);
  EXPECT_EQ(more(stream).view().at_path("cursor.nextBatch").as_document().count(), 100U);
  EXPECT_EQ(more(stream).view().at_path("cursor.nextBatch").as_document().count(), 50U);
}

TEST_F(ChangeStreamTest, APageIsNoLongerThanTheLongestMessage) {
  const std::int64_t stream = open_stream();
  for (int i = 1; i <= 5; ++i) {
    insert_all("c", {sized(bson::make_document("_id", i), std::size_t{1800} << 10)});
  }
  for (const char* const page : {"1 2 ", "3 4 ", "5 ", ""}) {
    const bson::Document reply = more(stream);
    EXPECT_EQ(ids(reply), page);
    EXPECT_LE(reply.size(), dialect_->presentation().max_message_bytes);
    const bson::View events = reply.view().at_path("cursor.nextBatch").as_document();
    if (events.empty()) continue;
    EXPECT_LT(events.begin()->value.as_document()["_id"].as_document().size(), 500U);
  }
}

TEST_F(ChangeStreamTest, AStreamThatWaitsLooksAgainOnlyAfterACommit) {
  for (int i = 1; i <= 10; ++i) {
    insert_all("c", {sized(bson::make_document("_id", i), std::size_t{200} << 10)});
  }
  const std::int64_t stream = open_stream();
  auto reply = std::async(std::launch::async, [&] {
    return run(R"({"getMore": {"$numberLong": ")" + std::to_string(stream) +
               R"("}, "collection": "c", "maxTimeMS": 50})");
  });
  std::uint64_t work = 0;
  while (reply.wait_for(std::chrono::milliseconds{10}) != std::future_status::ready) {
    engine_->services().operations.for_each(
        [&](Operation& operation) { work = std::max(work, operation.meter().work()); });
    advance(5);
  }
  EXPECT_EQ(ids(reply.get()), "");
  EXPECT_EQ(work, 0U);  // the opening has looked
  insert("c", R"({"_id": 11})");
  EXPECT_EQ(ids(more(stream)), "11 ");
}

TEST_F(ChangeStreamTest, ALookIsCountedDocumentByDocument) {
  insert_all("c", {sized(bson::make_document("_id", 1), std::size_t{200} << 10)});
  const ReadTransaction snapshot = store_->read();
  const CollectionPtr collection = snapshot.find_collection("test", "c");
  FeedPlace place{.behind = INT64_MAX};
  struct Ended {};
  Meter meter([] { throw Ended{}; });
  const Meter::Scope scope(&meter);
  EXPECT_THROW((void)next_page(snapshot, *collection, Container{}, Matcher::compile(bson::View()),
                               clock_.now(), std::size_t{1} << 20, place),
               Ended);
}

TEST_F(ChangeStreamTest, AConditionMayBeAdded) {
  const std::int64_t stream = open_stream("", R"({"$match": {"$and": [{"fullDocument.k": 5},
      {"operationType": {"$in": ["insert", "update", "replace"]}}]}})");
  insert("c", R"({"_id": 1, "k": 4})");
  insert("c", R"({"_id": 2, "k": 5})");
  EXPECT_EQ(ids(more(stream)), "2 ");
}

TEST_F(ChangeStreamTest, ThereIsOneForm) {
  const std::string open = R"([{"$changeStream": {"fullDocument": "updateLookup"}})";
  const std::string match = std::string(", ") + kMatch;
  const std::string project = std::string(", ") + kProject + "]";
  const std::vector<std::string> others = {
      R"([{"$changeStream": {}}])",
      open + "]",
      R"([{"$changeStream": {}})" + match + project,
      open + R"(, {"$match": {"operationType": {"$in": ["insert", "delete"]}}})" + project,
      open + match + R"(, {"$project": {"fullDocument": 1}}])",
      open + match + R"(, {"$limit": 1})" + project};
  for (const std::string& pipeline : others) {
    EXPECT_EQ(code(R"({"aggregate": "c", "cursor": {}, "pipeline": )" + pipeline + "}"), 2)
        << pipeline;
  }
  EXPECT_EQ(code(watch("", kMatch, "none")), 26);
  EXPECT_EQ(code(R"({"aggregate": 1, "cursor": {}, "pipeline": [{"$changeStream":
                     {"fullDocument": "updateLookup"}}, )" +
                 std::string(kMatch) + ", " + kProject + "]}"),
            2);
}

TEST_F(ChangeStreamTest, ADroppedCollectionIsNoNamespaceAnyMore) {
  const std::int64_t stream = open_stream();
  good(R"({"drop": "c"})");
  EXPECT_EQ(code_of(more(stream)), 26);
}

TEST_F(ChangeStreamTest, AThrottledPageIsEmpty) {
  open({.ru = 20});
  const std::int64_t stream = open_stream();
  insert("c", R"({"_id": 1})");
  insert("c", R"({"_id": 2})");
  insert("c", R"({"_id": 3})");
  const bson::Document page = more(stream);
  EXPECT_EQ(page["ok"].number(), 1);
  EXPECT_EQ(ids(page), "");
  advance(1000);
  EXPECT_EQ(ids(more(stream)), "1 2 3 ");
}

TEST_F(ChangeStreamTest, EachPartitionHasItsToken) {
  open_wide({.partitions = 3});
  good(R"({"shardCollection": "test.s", "key": {"k": "hashed"}})");
  const bson::Document tokens =
      good(R"({"customAction": "GetChangeStreamTokens", "collection": "s"})");
  const bson::View list = tokens["resumeAfterTokens"].as_document();
  ASSERT_EQ(list.count(), 3U);
  for (int i = 0; i < 30; ++i) {
    insert("s", "{\"_id\": " + std::to_string(i) + ", \"k\": " + std::to_string(i) + "}");
  }
  std::size_t all = 0;
  for (const auto& [key, token] : list) {
    const bson::Document first =
        good(watch(", \"resumeAfter\": " + bson::to_json(token), kMatch, "s"));
    const std::size_t count = first.view().at_path("cursor.firstBatch").as_document().count();
    EXPECT_GT(count, 0U);
    EXPECT_LT(count, 30U);
    all += count;
  }
  EXPECT_EQ(all, 30U);
}

// A token of the first of two partitions whose ends are others.
bson::Document token_between(const std::string& low, const std::string& high) {
  const bson::Document token = token_of({.behind = 1844, .partition = 0, .partitions = 2});
  const auto bytes = token["_data"].as_binary().bytes;
  bson::Document inner =
      bson::from_json(*base64_decode({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  std::string text = bson::to_json(inner);
  std::erase(text, ' ');
  const std::string range = R"("min":"","max":"8000")";
  text.replace(text.find(range), range.size(), R"("min":")" + low + R"(","max":")" + high + "\"");
  const std::string data = base64_encode(text);
  const auto* const raw = reinterpret_cast<const std::uint8_t*>(data.data());
  return bson::make_document("_data", bson::Binary{.subtype = 0, .bytes = {raw, data.size()}},
                             "_kind", 1);
}

TEST(FeedPlaceTest, ARangeBeyondTheWholeIsNone) {
  EXPECT_EQ(place_of(token_between("", "8000")).partitions, 2U);
  for (const char* const high : {"20001", "FFFFFFFF", "7000", "0", "x"}) {
    EXPECT_THROW((void)place_of(token_between("", high)), CommandError) << high;
  }
  EXPECT_THROW((void)place_of(token_between("20000", "20001")), CommandError);
  EXPECT_THROW((void)place_of(token_between("FFFFFFFE", "FFFFFFFF")), CommandError);
}

TEST(FeedPlaceTest, ATokenIsReadBack) {
  for (const std::size_t partitions : {1U, 2U, 3U, 7U, 10U, 100U}) {
    for (std::size_t i = 0; i < partitions; ++i) {
      const FeedPlace place =
          place_of(token_of({.behind = 1844, .partition = i, .partitions = partitions}));
      EXPECT_EQ(place.behind, 1844);
      EXPECT_EQ(place.partition, i) << partitions;
      EXPECT_EQ(place.partitions, partitions) << i;
    }
  }
  EXPECT_THROW((void)place_of(bson::make_document("_data", "x")), CommandError);
}

}  // namespace
}  // namespace gesso::localdb::cosmos
