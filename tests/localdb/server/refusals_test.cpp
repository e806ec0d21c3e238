// What commands refuse, and by which code: a table, run against a collection that has no documents,
// since what is wrong with a command does not depend on them.
#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

struct Refusal {
  const char* command;
  int code;
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.command; }

class RefusalTest : public CommandTest, public ::testing::WithParamInterface<Refusal> {};

TEST_P(RefusalTest, HasItsCode) {
  const bson::Document reply = run(GetParam().command);
  // Of a statement of a batch, or of the whole command.
  const bson::Value of_statement = reply.view().at_path("writeErrors.0.code");
  const auto code = of_statement ? of_statement.integer() : reply["code"].integer().value_or(0);
  EXPECT_EQ(code, GetParam().code) << json(reply);
}

constexpr Refusal kReads[] = {
    {R"({"find": "c", "foo": 1})", 40415},
    {R"({"find": "c", "filter": 1})", 14},
    {R"({"find": "c", "filter": {}, "filter": {}})", 40413},
    {R"({"find": "c", "limit": -1})", 51024},
    {R"({"find": "c", "skip": -1})", 51024},
    {R"({"find": "c", "skip": "1"})", 14},
    {R"({"find": "c", "batchSize": -1})", 51024},
    {R"({"find": "c", "hint": 5})", 9},
    {R"({"find": "c", "let": {"X": 1}})", 9},
    {R"({"find": "c", "let": {"x": "$$y"}})", 17276},
    {R"({"find": "c", "sort": {"a": 2}})", 15975},
    {R"({"find": "c", "sort": {"a": "x"}})", 15974},
    {R"({"find": "c", "filter": {"$foo": 1}})", 2},
    {R"({"find": "c", "filter": {"$expr": {"$divide": [1, 0]}}})", 2},
    {R"({"find": "c", "filter": {"$expr": "$$x"}})", 17276},
    {R"({"find": "c", "projection": {"a": 1, "b": 0}})", 31254},
    {R"({"find": "c", "projection": {"a": 0, "b": 1}})", 31253},
    {R"({"find": "c", "projection": {"a": 1, "a.b": 1}})", 31249},
    {R"({"find": "c", "projection": {"a.b": 1, "a": 1}})", 31250},
    {R"({"find": "c", "projection": {"a": {}}})", 51270},
    {R"({"find": "c", "projection": {"a": 0, "b": {"$add": ["$c", 1]}}})", 31252},
    {R"({"find": "c", "projection": {"a": {"$toInt": "x"}}})", 241},
    {R"({"find": "c", "projection": {"a": {"$nope": 1}}})", 168},
    {R"({"count": "c", "skip": -1})", 51024},
    {R"({"count": "c", "query": 5})", 14},
    {R"({"distinct": "c"})", 40414},
    {R"({"distinct": "c", "key": 5})", 14},
};
INSTANTIATE_TEST_SUITE_P(Reads, RefusalTest, ::testing::ValuesIn(kReads));

constexpr Refusal kAggregates[] = {
    {R"({"aggregate": "c", "pipeline": []})", 9},
    {R"({"aggregate": "c", "cursor": {}})", 40414},
    {R"({"aggregate": "c", "pipeline": {}, "cursor": {}})", 14},
    {R"({"aggregate": "c", "pipeline": [5], "cursor": {}})", 14},
    {R"({"aggregate": "c", "pipeline": [{}], "cursor": {}})", 40323},
    {R"({"aggregate": "c", "pipeline": [{"$limit": 1, "$skip": 1}], "cursor": {}})", 40323},
    {R"({"aggregate": "c", "pipeline": [{"$nope": 1}], "cursor": {}})", 40324},
    {R"({"aggregate": "c", "pipeline": [{"$project": {}}], "cursor": {}})", 51272},
    {R"({"aggregate": "c", "pipeline": [{"$project": {"a": {"$divide": [1, 0]}}}], "cursor": {}})",
     2},
    {R"({"aggregate": "c", "pipeline": [{"$set": {"a": {"$regexFind": {"input": "$b", "regex": "("}}}}],
         "cursor": {}})",
     51111},
    {R"({"aggregate": "c", "pipeline": [{"$group": {"_id": {"$toInt": "x"}}}], "cursor": {}})",
     241},
    {R"({"aggregate": "c", "pipeline": [], "cursor": {}, "hint": 5})", 9},
};
INSTANTIATE_TEST_SUITE_P(Aggregates, RefusalTest, ::testing::ValuesIn(kAggregates));

constexpr Refusal kWrites[] = {
    {R"({"insert": "c"})", 40414},
    {R"({"insert": "c", "documents": []})", 16},
    {R"({"insert": "c", "documents": {}})", 14},
    {R"({"insert": "c", "documents": [5]})", 14},
    {R"({"insert": "c", "documents": [{}], "ordered": "x"})", 14},
    {R"({"insert": "c", "documents": [{}], "bypassEmptyTsReplacement": "x"})", 14},
    {R"({"insert": "c", "documents": [{"_id": [1]}]})", 53},
    {R"({"insert": "c", "documents": [{"_id": {"$a": 1}}]})", 52},
    {R"({"update": "c", "updates": [{"u": {}}]})", 40414},
    {R"({"update": "c", "updates": [{"q": {}}]})", 40414},
    {R"({"update": "c", "updates": [{"q": {}, "u": {}, "foo": 1}]})", 40415},
    {R"({"update": "c", "updates": [{"q": {}, "u": {}, "hint": 5}]})", 9},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"a": 1}, "multi": true}]})", 9},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"$inc": {"a": "x"}}}]})", 14},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"$mul": {"a": null}}}]})", 14},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"$nope": {"a": 1}}}]})", 9},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"$set": 5}}]})", 9},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"$set": {"a": 1}, "$unset": {"a.b": 1}}}]})",
     40},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"$set": {"a.": 1}}}]})", 56},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"$set": {"a.$b": 1}}}]})", 52},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"$pop": {"a": 2}}}]})", 9},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"$push": {"a": {"$each": 5}}}}]})", 2},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"$rename": {"a": "a"}}}]})", 2},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"$set": {"a.$[x]": 1}}}]})", 2},
    {R"({"update": "c", "updates": [{"q": {}, "u": {"$set": {"a": 1}}, "arrayFilters": [{"x": 1}]}]})",
     9},
    {R"({"update": "c", "updates": [{"q": {}, "u": [{"$match": {}}]}]})", 72},
    {R"({"update": "c", "updates": [{"q": {}, "u": [{"$nope": 1}]}]})", 40324},
    {R"({"update": "c", "updates": [{"q": {}, "u": [{"$set": {"a": {"$toInt": "x"}}}]}]})", 241},
    {R"({"delete": "c", "deletes": [{"q": {}}]})", 40414},
    {R"({"delete": "c", "deletes": [{"q": {}, "limit": "1"}]})", 14},
    {R"({"delete": "c", "deletes": [{"q": {}, "limit": 2}]})", 9},
    {R"({"delete": "c", "deletes": [{"q": {}, "limit": 1, "foo": 1}]})", 40415},
    {R"({"delete": "c", "deletes": [{"q": {}, "limit": 1}], "bypassDocumentValidation": "x"})", 14},
    {R"({"findAndModify": "c"})", 9},
    {R"({"findAndModify": "c", "remove": true, "update": {"a": 1}})", 9},
    {R"({"findAndModify": "c", "remove": true, "new": true})", 9},
    {R"({"findAndModify": "c", "remove": true, "sort": {"a": 2}})", 15975},
    {R"({"findAndModify": "c", "update": {"$inc": {"a": "x"}}})", 14},
    {R"({"findAndModify": "c", "update": {"$set": {"a": 1}}, "fields": {"a": 1, "b": 0}})", 31254},
    {R"({"findAndModify": "c", "update": {"$set": {"a": 1}}, "hint": 5})", 9},
};
INSTANTIATE_TEST_SUITE_P(Writes, RefusalTest, ::testing::ValuesIn(kWrites));

// It is no fault of a statement: nothing of the batch is done.
TEST_F(CommandTest, ADeleteWithAWrongLimitIsRefusedAsAWhole) {
  good(R"({"insert": "c", "documents": [{"_id": 1}]})");
  const bson::Document reply =
      run(R"({"delete": "c", "deletes": [{"q": {}, "limit": 0}, {"q": {}, "limit": 2}]})");
  EXPECT_FALSE(is_ok(reply));
  EXPECT_EQ(code_of(reply), 9);
  EXPECT_EQ(good(R"({"count": "c"})")["n"].as_int32(), 1);
}

TEST_F(CommandTest, AnErrorQuotesOnlyTheBeginningOfWhatItRefuses) {
  const std::string text(1'000'000, 'x');
  const bson::Document reply = client_.run(
      bson::make_document("update", "c", "updates",
                          bson::make_array(bson::make_document(
                              "q", bson::Document(), "u",
                              bson::make_document("$inc", bson::make_document("a", text))))));
  const bson::Value message = reply.view().at_path("writeErrors.0.errmsg");
  ASSERT_TRUE(message.is_string());
  EXPECT_LT(message.as_string().size(), 2000U);
  EXPECT_EQ(client_.run(bson::make_document("find", "c", "filter",
                                            bson::make_document("$" + text, 1)))["errmsg"]
                    .as_string()
                    .size() < 9000,
            true);
}

}  // namespace
}  // namespace gesso::localdb
