#include "gesso/localdb/engine/arguments.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/localdb/engine/fail_point.hpp"
#include "gesso/localdb/engine/names.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::from_json;
using bson::make_document;

constexpr Field kFields[] = {
    {"find", kString, Presence::kRequired},
    {"filter", kObject},
    {"limit", kNumber},
    {"tailable", kFlag},
    {"items", kArray},
    {"anything"},
};

// "code: message", "" where nothing is thrown.
std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const CommandError& error) {
    return std::to_string(error.code()) + ": " + error.what();
  }
  return "";
}

std::string refusal_of(const std::string& json) {
  const bson::Document body = from_json(json);
  return refusal([&] { const Arguments arguments("find", kFields, body, {}); });
}

struct Case {
  const char* json;
  const char* refusal;
};

class ArgumentsRefusal : public ::testing::TestWithParam<Case> {};

TEST_P(ArgumentsRefusal, HasItsCodeAndSaysWhichField) {
  EXPECT_EQ(refusal_of(GetParam().json), GetParam().refusal);
}

INSTANTIATE_TEST_SUITE_P(
    All, ArgumentsRefusal,
    ::testing::Values(
        Case{R"({"find": "c"})", ""},
        Case{R"({"find": "c", "$db": "d", "lsid": {}, "maxTimeMS": 5, "comment": [1]})", ""},
        Case{R"({"find": "c", "filter": null, "limit": null})", ""},
        Case{R"({"find": "c", "anything": 1})", ""},
        Case{R"({"find": "c", "colour": 1})",
             "40415: BSON field 'find.colour' is an unknown field."},
        Case{R"({"find": "c", "filter": 5})",
             "14: BSON field 'find.filter' is the wrong type 'int', expected type 'object'"},
        Case{R"({"find": "c", "limit": "x"})",
             "14: BSON field 'find.limit' is the wrong type 'string', expected types "
             "'[double, int, long, decimal]'"},
        Case{R"({"find": "c", "filter": []})",
             "14: BSON field 'find.filter' is the wrong type 'array', expected type 'object'"},
        Case{R"({"find": null})",
             "14: BSON field 'find.find' is the wrong type 'null', expected type 'string'"},
        Case{R"({"filter": {}})", "40414: BSON field 'find.find' is missing but a required field"},
        Case{R"({"find": "c", "lsid": 5})",
             "14: BSON field 'find.lsid' is the wrong type 'int', expected type 'object'"}),
    [](const auto& one) { return std::to_string(one.index); });

TEST(Arguments, RefusesAFieldThatComesTwice) {
  const bson::Document body = make_document("find", "c", "limit", 1, "limit", 2);
  EXPECT_EQ(refusal([&] { const Arguments arguments("find", kFields, body, {}); }),
            "40413: BSON field 'find.limit' is a duplicate field");
}

TEST(Arguments, APartOfACommandTakesNoGenericField) {
  const bson::Document body = make_document("find", "c", "lsid", make_document());
  EXPECT_EQ(refusal([&] { const Arguments arguments("update.updates", kFields, body); }),
            "40415: BSON field 'update.updates.lsid' is an unknown field.");
}

TEST(Arguments, TakesAnArrayFieldAsADocumentSequence) {
  const bson::Document body = make_document("find", "c");
  const bson::Document one = make_document("a", 1);
  const std::vector<wire::Sequence> sequences = {{.name = "items", .documents = {one, one}}};
  const Arguments arguments("find", kFields, body, sequences);
  EXPECT_EQ(arguments.documents("items").size(), 2U);
}

TEST(Arguments, RefusesASequenceThatIsNoFieldOrIsThereAlready) {
  const bson::Document body = make_document("find", "c", "items", bson::make_array());
  const std::vector<wire::Sequence> unknown = {{.name = "colours", .documents = {}}};
  EXPECT_EQ(refusal([&] { const Arguments arguments("find", kFields, body, unknown); }),
            "40415: BSON field 'find.colours' is an unknown field.");
  const std::vector<wire::Sequence> scalar = {{.name = "limit", .documents = {}}};
  EXPECT_EQ(refusal([&] { const Arguments arguments("find", kFields, body, scalar); }),
            "40415: BSON field 'find.limit' is an unknown field.");
  const std::vector<wire::Sequence> twice = {{.name = "items", .documents = {}}};
  EXPECT_EQ(refusal([&] { const Arguments arguments("find", kFields, body, twice); }),
            "40413: BSON field 'find.items' is a duplicate field");
}

TEST(Arguments, RefusesAnElementThatIsNoDocument) {
  const bson::Document body = from_json(R"({"find": "c", "items": [{}, 5]})");
  const Arguments arguments("find", kFields, body, {});
  EXPECT_EQ(refusal([&] { (void)arguments.documents("items"); }),
            "14: BSON field 'find.items.1' is the wrong type 'int', expected type 'object'");
}

TEST(Arguments, ReadsIntegersOfAnyNumberTypeAndKeepsTheirRange) {
  const auto limit = [](const char* json) {
    const bson::Document body = from_json(json);
    return Arguments("find", kFields, body, {}).integer("limit", 0);
  };
  EXPECT_EQ(limit(R"({"find": "c"})"), std::nullopt);
  EXPECT_EQ(limit(R"({"find": "c", "limit": 5})"), 5);
  EXPECT_EQ(limit(R"({"find": "c", "limit": 5.9})"), 5);
  EXPECT_EQ(limit(R"({"find": "c", "limit": {"$numberDecimal": "7"}})"), 7);
  EXPECT_EQ(limit(R"({"find": "c", "limit": 1e300})"), INT64_MAX);
  EXPECT_EQ(refusal([&] { (void)limit(R"({"find": "c", "limit": -1})"); }),
            "51024: BSON field 'limit' value must be >= 0, actual value '-1'");
}

TEST(Names, RefusesDatabasesAndCollectionsThatCannotBe) {
  for (const char* name : {"", "a b", "a.b", "a$b", "a/b", "a\\b", "a\"b"}) {
    EXPECT_NE(refusal([&] { check_database_name(name); }), "") << name;
  }
  EXPECT_NE(refusal([] { check_database_name(std::string(64, 'a')); }), "");
  EXPECT_EQ(refusal([] { check_database_name(std::string(63, 'a')); }), "");
  EXPECT_EQ(refusal([] { check_collection_name("d", "a.b c/d"); }), "");
  for (const char* name : {"", ".a", "a.", "a$b"}) {
    EXPECT_EQ(refusal([&] { check_collection_name("d", name); }),
              "73: Invalid namespace specified 'd." + std::string(name) + "'");
  }
  EXPECT_NE(refusal([] { check_collection_name("d", std::string(254, 'a')); }), "");
}

TEST(Names, ACollectionsNameIsAString) {
  const bson::Document body = make_document("find", 1);
  EXPECT_EQ(refusal([&] { (void)collection_name("d", body["find"]); }),
            "73: collection name has invalid type int");
}

TEST(Names, TheUsersAreNotRead) {
  const bson::Document body = make_document("find", "system.users");
  EXPECT_NE(refusal([&] { (void)collection_name("admin", body["find"]); }), "");
  EXPECT_EQ(refusal([&] { (void)collection_name("shop", body["find"]); }), "");
}

class FailPointTest : public ::testing::Test {
 protected:
  FailPoint point_;

  void configure(const std::string& mode, const std::string& data) {
    (void)point_.configure(from_json(R"({"configureFailPoint": "failCommand", "mode": )" + mode +
                                     R"(, "data": )" + data + "}"));
  }
  bool hits(std::string_view command, std::string_view app = "") {
    return point_.enter(command, app).has_value();
  }
};

TEST_F(FailPointTest, HitsTheCommandsItNamesAsOftenAsItSays) {
  configure(R"({"times": 2})", R"({"failCommands": ["insert"], "errorCode": 91})");
  EXPECT_FALSE(hits("find"));
  EXPECT_EQ(point_.enter("insert", "")->error_code, 91);
  EXPECT_TRUE(hits("insert"));
  EXPECT_FALSE(hits("insert"));
}

TEST_F(FailPointTest, StaysOnUntilItIsTurnedOff) {
  configure(R"("alwaysOn")", R"({"failCommands": ["insert"], "closeConnection": true})");
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(point_.enter("insert", "")->close_connection);
  configure(R"("off")", "{}");
  EXPECT_FALSE(hits("insert"));
}

TEST_F(FailPointTest, SkipsAndKeepsToOneApplication) {
  configure(R"({"skip": 1})", R"({"failCommands": ["insert"], "appName": "a"})");
  EXPECT_FALSE(hits("insert", "b"));
  EXPECT_FALSE(hits("insert", "a"));
  EXPECT_TRUE(hits("insert", "a"));
}

TEST_F(FailPointTest, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(refusal([&] { configure(R"("sometimes")", "{}"); }), "");
  EXPECT_NE(refusal([&] { configure(R"("alwaysOn")", R"({"colour": 1})"); }), "");
  EXPECT_NE(refusal([&] { configure(R"({"times": 0})", "{}"); }), "");
}

}  // namespace
}  // namespace gesso::localdb
