// Request units run out: a window of a second, refusals item by item, and what they look like.
#include "tests/localdb/cosmos/account_fixture.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr const char* kFind = R"({"find": "c", "filter": {}})";

std::vector<bson::Document> numbered(int count) {
  std::vector<bson::Document> documents;
  for (int i = 0; i < count; ++i) documents.push_back(bson::make_document("_id", i));
  return documents;
}

TEST_F(AccountTest, AWindowAdmitsWhileAnythingIsLeftAndMayBeOverdrawn) {
  open({.ru = 20});
  insert("c", R"({"_id": 1})");  // 8.1
  insert("c", R"({"_id": 2})");  // 16.2
  insert("c", R"({"_id": 3})");  // 24.3: more than there is
  const bson::Document refused = run(R"({"insert": "c", "documents": [{"_id": 4}]})");
  EXPECT_EQ(refused["ok"].number(), 1);
  EXPECT_EQ(refused["n"].integer(), 0);
  EXPECT_EQ(refused.view().at_path("writeErrors.0.code").integer(), 16500);
  advance(1000);
  insert("c", R"({"_id": 4})");
}

TEST_F(AccountTest, ABatchIsRefusedItemByItemAndAnOrderedOneEndsThere) {
  open({.ru = 40});
  const bson::Document ordered = insert_all("c", numbered(10));
  EXPECT_EQ(ordered["n"].integer(), 5);  // 5 x 8.1 is above 40
  const bson::View errors = ordered["writeErrors"].as_document();
  ASSERT_EQ(errors.count(), 1U);
  EXPECT_EQ(errors.at_path("0.index").integer(), 5);
  advance(1000);
  good(R"({"delete": "c", "deletes": [{"q": {"_id": 0}, "limit": 1}]})");
  advance(1000);
  std::vector<bson::Document> more;
  for (int i = 100; i < 110; ++i) more.push_back(bson::make_document("_id", i));
  const bson::Document unordered = insert_all("c", more, false);
  EXPECT_EQ(unordered["n"].integer(), 5);
  EXPECT_EQ(unordered["writeErrors"].as_document().count(), 5U);  // one for each that was refused
}

TEST_F(AccountTest, ARefusalSaysWhenToComeBack) {
  open({.ru = 10});
  insert("c", R"({"_id": 1})");
  insert("c", R"({"_id": 2})");  // 16.2 of 10
  advance(400);
  const bson::Document reply = run(kFind);
  EXPECT_EQ(reply["ok"].number(), 0);
  EXPECT_EQ(code_of(reply), 16500);
  EXPECT_EQ(reply["codeName"].as_string(), "RequestRateTooLarge");
  // 600 ms of the window are left, and 6.22 units are owed: 622 ms.
  EXPECT_TRUE(
      text_of(reply).starts_with("Error=16500, RetryAfterMs=1222, Details='Response status "
                                 "code does not indicate success: TooManyRequests (429); "
                                 "Substatus: 3200; ActivityId: "))
      << text_of(reply);
  EXPECT_TRUE(text_of(reply).ends_with(
      "; Reason: ({\"Errors\":[\"Request rate is large. More Request Units may be needed, so no "
      "changes were made. Please retry this request later. Learn more: "
      "http://aka.ms/cosmosdb-error-429\"]});'"))
      << text_of(reply);
  EXPECT_DOUBLE_EQ(charge(), 0.38);
}

TEST_F(AccountTest, WhatWasNotUsedIsNotThereInTheNextSecond) {
  open({.ru = 10});
  advance(600'000);
  insert("c", R"({"_id": 1})");
  insert("c", R"({"_id": 2})");
  EXPECT_EQ(code(kFind), 16500);
}

TEST_F(AccountTest, EachCollectionHasItsOwnBudget) {
  open({.ru = 8});
  insert("a", R"({"_id": 1})");
  insert("b", R"({"_id": 1})");
  EXPECT_EQ(code(R"({"find": "a"})"), 16500);
  EXPECT_EQ(code(R"({"find": "b"})"), 16500);
  EXPECT_EQ(code(R"({"find": "c"})"), 0);
}

TEST_F(AccountTest, RefusalsHaveOtherForms) {
  open({.ru = 8, .throttle_text = ThrottleText::kPretty});
  insert("c", R"({"_id": 1})");
  EXPECT_NE(text(kFind).find("Reason: ({\r\n  \"Errors\": [\r\n    \"Request rate is large. "),
            std::string::npos);
  open({.ru = 8, .throttle_text = ThrottleText::kBare});
  insert("c", R"({"_id": 2})");
  EXPECT_TRUE(text(kFind).starts_with("Error=16500, Details='Response status code"));
}

TEST_F(AccountTest, EveryCommandIsRefused) {
  open({.ru = 8});
  insert("c", R"({"_id": 1})");
  for (const char* command :
       {R"({"find": "c", "filter": {"_id": 1}})", R"({"count": "c", "query": {"a": 1}})",
        R"({"count": "c"})", R"({"distinct": "c", "key": "a"})",
        R"({"aggregate": "c", "pipeline": [{"$match": {"a": 1}}], "cursor": {}})",
        R"({"aggregate": "c", "pipeline": [{"$group": {"_id": "$a"}}], "cursor": {}})",
        R"({"findAndModify": "c", "query": {"_id": 1}, "update": {"$set": {"a": 1}}})",
        R"({"findAndModify": "c", "query": {"_id": 1}, "remove": true})"}) {
    const bson::Document reply = run(std::string(command));
    EXPECT_EQ(code_of(reply), 16500) << command;
    EXPECT_EQ(reply["ok"].number(), 0) << command;
  }
  for (const char* command :
       {R"({"update": "c", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": 1}}}]})",
        R"({"update": "c", "updates": [{"q": {"a": 1}, "u": {"$set": {"a": 1}}, "multi": true}]})",
        R"({"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]})",
        R"({"delete": "c", "deletes": [{"q": {}, "limit": 0}]})"}) {
    const bson::Document reply = run(std::string(command));
    EXPECT_EQ(reply["ok"].number(), 1) << command;
    EXPECT_EQ(reply["n"].integer(), 0) << command;
    EXPECT_EQ(reply.view().at_path("writeErrors.0.code").integer(), 16500) << command;
  }
  advance(1000);
  EXPECT_EQ(found(R"({"find": "c"})"), R"([{"_id":1}])");
}

TEST_F(AccountTest, ACursorOutlivesARefusal) {
  open({.ru = 8000});
  std::vector<bson::Document> documents;
  for (int i = 0; i < 900; ++i) documents.push_back(bson::make_document("_id", i));
  ASSERT_EQ(insert_all("c", documents)["n"].integer(), 900);
  const bson::Document first = good(R"({"find": "c", "batchSize": 100})");
  const std::string more = R"({"getMore": {"$numberLong": ")" +
                           std::to_string(first.view().at_path("cursor.id").as_int64()) +
                           R"("}, "collection": "c"})";
  for (int i = 900; i < 1900; ++i) documents.push_back(bson::make_document("_id", i));
  documents.erase(documents.begin(), documents.begin() + 900);
  ASSERT_LT(*insert_all("c", documents)["n"].integer(), 1000);
  EXPECT_EQ(code(more), 16500);
  advance(1000);
  EXPECT_GE(good(more).view().at_path("cursor.nextBatch").as_document().count(), 800U);
  EXPECT_GE(charge(), 2.5);
}

TEST_F(AccountTest, AStatementAboutManyGoesOnWhereItEnded) {
  open({.ru = 100});
  for (int i = 0; i < 3; ++i) {
    std::vector<bson::Document> documents;
    for (int j = 0; j < 10; ++j) documents.push_back(bson::make_document("_id", 10 * i + j));
    ASSERT_EQ(insert_all("c", documents)["n"].integer(), 10);
    advance(1000);
  }
  std::int64_t removed = 0;
  int rounds = 0;
  for (; removed < 30 && rounds < 10; ++rounds) {
    const bson::Document reply = run(R"({"delete": "c", "deletes": [{"q": {}, "limit": 0}]})");
    removed += *reply["n"].integer();
    advance(1000);
  }
  EXPECT_EQ(removed, 30);
  EXPECT_EQ(rounds, 3);  // 4.65 and 8.1 each
  EXPECT_EQ(found(R"({"find": "c"})"), "[]");
}

}  // namespace
}  // namespace gesso::localdb::cosmos
