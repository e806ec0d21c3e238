// Decoding: what is read, and what is said of what is not.
#include <gtest/gtest.h>

#include "gesso/bson/json.hpp"
#include "gesso/schema/json.hpp"
#include "tests/schema/account.hpp"

namespace gesso::schema::testing {
namespace {

constexpr std::string_view kSmall =
    R"({"id":"acc_1","email":"ann@example.org","name":"Ann","created_at":"2026-01-31T12:00:00Z")";

// The small account with more members.
std::string with(std::string_view members) {
  std::string text(kSmall);
  if (!members.empty()) text += ',';
  text += members;
  text += '}';
  return text;
}

std::vector<Violation> violations_of(std::string_view json) {
  try {
    (void)from_json<Account>(json);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    return error.violations();
  }
  return {};
}

// The small account as it is stored, open for more, without one of its fields.
bson::Builder stored_without(std::string_view name) {
  const bson::Document stored = to_bson(small_account());
  bson::Builder builder;
  for (const bson::Element& element : stored.view()) {
    if (element.key != name) builder.append_element(element);
  }
  return builder;
}

struct Case {
  std::string members;
  std::string path;
  std::string type;
  std::string message;
  std::string expected;
  std::string found;

  friend std::ostream& operator<<(std::ostream& out, const Case& test) {
    return out << test.members;
  }
};

const std::vector<Case> kCases = {
    {R"("level":0)", "level", "greater_than_equal", "Input should be greater than or equal to 1",
     "integer from 1 to 4", "0"},
    {R"("level":5)", "level", "less_than_equal", "Input should be less than or equal to 4",
     "integer from 1 to 4", "5"},
    {R"("level":"2")", "level", "int_type", "Input should be a valid integer",
     "integer from 1 to 4", "string \"2\""},
    {R"("level":null)", "level", "int_type", "Input should be a valid integer",
     "integer from 1 to 4", "null"},
    {R"("level":true)", "level", "int_type", "Input should be a valid integer",
     "integer from 1 to 4", "bool true"},
    {R"("level":1.5)", "level", "int_from_float",
     "Input should be a valid integer, got a number with a fractional part", "integer from 1 to 4",
     "double 1.5"},
    {R"("delta":18446744073709551615)", "delta", "int_parsing_size",
     "Input should be an integer that fits 64 bits", "integer", "double 18446744073709551616.0"},
    {R"("credits":-1)", "credits", "greater_than_equal",
     "Input should be greater than or equal to 0", "integer of at least 0", "-1"},
    {R"("scale":0.5)", "scale", "greater_than_equal", "Input should be greater than or equal to 1",
     "number from 1 to 20", "0.5"},
    {R"("scale":20.5)", "scale", "less_than_equal", "Input should be less than or equal to 20",
     "number from 1 to 20", "20.5"},
    {R"("scale":"7")", "scale", "float_type", "Input should be a valid number",
     "number from 1 to 20", "string \"7\""},
    {R"("ratio":[])", "ratio", "float_type", "Input should be a valid number", "number", "array"},
    {R"("colour":"blue")", "colour", "enum", "Input should be 'red', 'green' or 'deep-blue'",
     "'red', 'green' or 'deep-blue'", "string \"blue\""},
    {R"("colour":3)", "colour", "enum", "Input should be 'red', 'green' or 'deep-blue'",
     "'red', 'green' or 'deep-blue'", "long 3"},
    {R"("active":"true")", "active", "bool_type", "Input should be a valid boolean",
     "true or false", "string \"true\""},
    {R"("active":1)", "active", "bool_type", "Input should be a valid boolean", "true or false",
     "long 1"},
    {R"("note":5)", "note", "string_type", "Input should be a valid string", "string", "long 5"},
    {R"("nick":"")", "nick", "string_too_short", "String should have at least 1 character",
     "string of 1 to 5 characters", "string of 0 characters"},
    {R"("nick":"abcdef")", "nick", "string_too_long", "String should have at most 5 characters",
     "string of 1 to 5 characters", "string of 6 characters"},
    {R"("tags":"x")", "tags", "list_type", "Input should be a valid list",
     "list, each string of 1 to 5 characters", "string \"x\""},
    {R"("tags":["a","",3])", "tags.1", "string_too_short",
     "String should have at least 1 character", "string of 1 to 5 characters",
     "string of 0 characters"},
    {R"("addresses":[{"street":"Main","number":1},{"street":"Side","number":0}])",
     "addresses.1.number", "greater_than_equal", "Input should be greater than or equal to 1",
     "integer from 1 to 999", "0"},
    {R"("addresses":[{"street":"Main"}])", "addresses.0.number", "missing", "Field required",
     "integer from 1 to 999", "nothing"},
    {R"("addresses":[7])", "addresses.0", "model_attributes_type",
     "Input should be a valid dictionary or object to extract fields from", "object", "long 7"},
    {R"("home":{"street":"Main","number":1,"x":2})", "home.x", "extra_forbidden",
     "Extra inputs are not permitted", "no such field", "long"},
    {R"("settings":[])", "settings", "dict_type", "Input should be a valid dictionary",
     "object of at most 16384 bytes and 8 levels", "array"},
    {R"("settings":{"a":{"$set":1}})", "settings.a.$set", "value_error",
     "A key should not be empty, start with '$' or hold a period",
     "object of at most 16384 bytes and 8 levels", "key \"$set\""},
    {R"("settings":{"a":[1,{"b.c":1}]})", "settings.a.1.b.c", "value_error",
     "A key should not be empty, start with '$' or hold a period",
     "object of at most 16384 bytes and 8 levels", "key \"b.c\""},
    {R"("unknown":{"x":1})", "unknown", "extra_forbidden", "Extra inputs are not permitted",
     "no such field", "object"},
    {R"("_id":"acc_2")", "_id", "extra_forbidden", "Extra inputs are not permitted",
     "no such field", "string"},
    {R"("lease":"mine")", "lease", "extra_forbidden", "Extra inputs are not permitted",
     "no such field", "string"},
    {R"("hash":"$2b$")", "hash", "extra_forbidden", "Extra inputs are not permitted",
     "no such field", "string"},
};

class ViolationTest : public ::testing::TestWithParam<Case> {};

TEST_P(ViolationTest, CarriesPathTypeExpectedAndFound) {
  const Case& test = GetParam();
  const std::vector<Violation> violations = violations_of(with(test.members));
  ASSERT_FALSE(violations.empty()) << test.members;
  EXPECT_EQ(to_string(violations[0].path), test.path);
  EXPECT_EQ(violations[0].type, test.type);
  EXPECT_EQ(violations[0].message, test.message);
  EXPECT_EQ(violations[0].expected, test.expected);
  EXPECT_EQ(violations[0].found, test.found);
}

INSTANTIATE_TEST_SUITE_P(Json, ViolationTest, ::testing::ValuesIn(kCases));

TEST(DecodeJsonTest, ReadsWhatIsRight) {
  const Account account = from_json<Account>(
      with(R"("level":4.0,"scale":3,"colour":"green","tags":["a","b"],"delta":-5,)"
           R"("addresses":[{"number":2,"street":"Main"}],"settings":{"dark":true},"note":null)"));
  EXPECT_EQ(account.level, 4);
  EXPECT_EQ(account.scale, 3.0);
  EXPECT_EQ(account.colour, Colour::kGreen);
  EXPECT_EQ(account.tags.at(1), "b");
  EXPECT_EQ(account.delta, -5);
  EXPECT_EQ(account.addresses.at(0), (Address{.street = "Main", .number = 2}));
  EXPECT_TRUE(account.settings["dark"].as_bool());
  EXPECT_EQ(account.note, std::nullopt);
  EXPECT_EQ(account.credits, 0);
  EXPECT_EQ(to_iso8601(account.created_at), "2026-01-31T12:00:00.000Z");
}

TEST(DecodeJsonTest, ReportsEveryViolationAtOnce) {
  const std::vector<Violation> violations = violations_of(
      R"({"email":"nobody","name":"A","level":9,"colour":"blue","tags":["","abcdef"],"x":1})");
  std::vector<std::string> found;
  for (const Violation& violation : violations) {
    found.push_back(to_string(violation.path) + " " + violation.type);
  }
  EXPECT_EQ(found, (std::vector<std::string>{
                       "email value_error", "name string_too_short", "level less_than_equal",
                       "colour enum", "tags.0 string_too_short", "tags.1 string_too_long",
                       "x extra_forbidden", "id missing", "created_at missing"}));
}

TEST(DecodeJsonTest, ReadsDatesOfOtherZonesAndRefusesOthers) {
  const auto with_date = [](std::string_view date) {
    return R"({"id":"acc_1","email":"a@b.co","name":"Ann","created_at":)" + std::string(date) + "}";
  };
  EXPECT_EQ(
      to_iso8601(from_json<Account>(with_date(R"("2026-01-31T14:00:00.5+02:00")")).created_at),
      "2026-01-31T12:00:00.500Z");
  EXPECT_EQ(violations_of(with_date(R"("2026-02-30T12:00:00Z")"))[0].type, "datetime_parsing");
  EXPECT_EQ(violations_of(with_date(R"("yesterday")"))[0].type, "datetime_parsing");
  EXPECT_EQ(violations_of(with_date("1700000000"))[0].type, "datetime_type");
}

TEST(DecodeJsonTest, StopsCountingAtAHundred) {
  std::string tags = "\"tags\":[";
  for (int i = 0; i < 1000; ++i) tags += i == 0 ? "1" : ",1";
  EXPECT_EQ(violations_of(with(tags + "]")).size(), Decoding::kMaxViolations);
}

TEST(DecodeJsonTest, TellsAbsentFromNullFromAValue) {
  EXPECT_FALSE(from_json<Account>(with("")).nick.has_value());
  const Account cleared = from_json<Account>(with(R"("nick":null)"));
  ASSERT_TRUE(cleared.nick.has_value());
  EXPECT_FALSE(cleared.nick->has_value());
  EXPECT_TRUE(to_bson(cleared)["nick"].is_null());
  EXPECT_EQ(from_bson<Account>(to_bson(cleared)), cleared);
  EXPECT_EQ(**from_json<Account>(with(R"("nick":"Bo")")).nick, "Bo");
  EXPECT_FALSE(to_bson(from_json<Account>(with(""))).contains("nick"));
}

TEST(DecodeBsonTest, IgnoresUnknownFieldsAndReadsAnyOrder) {
  bson::Builder builder;
  const bson::Document stored = to_bson(small_account());
  std::vector<bson::Element> elements(stored.view().begin(), stored.view().end());
  for (auto it = elements.rbegin(); it != elements.rend(); ++it) builder.append_element(*it);
  builder.append("of_another_version", bson::make_document("x", 1));
  EXPECT_EQ(from_bson<Account>(builder.finish()), small_account());
}

TEST(DecodeBsonTest, TakesTheFirstOfTwoFieldsOfOneName) {
  bson::Builder builder;
  builder.append_all(to_bson(small_account())).append("level", 77).append("name", "Other");
  EXPECT_EQ(from_bson<Account>(builder.finish()), small_account());
}

TEST(DecodeBsonTest, ReadsNumbersOfAnyType) {
  const auto with_level = [](const auto& value) {
    bson::Builder builder = stored_without("level");
    return from_bson<Account>(builder.append("level", value).finish());
  };
  EXPECT_EQ(with_level(std::int32_t{3}).level, 3);
  EXPECT_EQ(with_level(3.0).level, 3);
  EXPECT_EQ(with_level(std::int64_t{3}).level, 3);
  bson::Builder builder = stored_without("scale");
  EXPECT_EQ(from_bson<Account>(builder.append("scale", 3).finish()).scale, 3.0);
}

TEST(DecodeBsonTest, ReadsSettingsThatJsonWouldNotGet) {
  bson::Builder builder = stored_without("settings");
  builder.append("settings", bson::make_document("a.b", 1, "$c", 2));
  EXPECT_EQ(from_bson<Account>(builder.finish()).settings["$c"].as_int32(), 2);
}

TEST(DecodeBsonTest, WantsDatesAsDates) {
  bson::Builder builder = stored_without("created_at");
  builder.append("created_at", "2026-01-31T12:00:00Z");
  std::vector<Violation> violations;
  EXPECT_FALSE(decode<Account>(builder.finish(), Format::kBson, violations));
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].type, "datetime_type");
}

TEST(DecodeBsonTest, AStoredDocumentThatDoesNotDecodeIsNamed) {
  const bson::Document stored =
      bson::make_document("_id", "acc_7", "email", "a@b.co", "name", "Ann", "level", 9);
  try {
    (void)from_stored<Account>(stored, "shop.accounts");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);  // the reader is not to blame
    EXPECT_EQ(error.ns(), "shop.accounts");
    EXPECT_STREQ(error.what(),
                 "shop.accounts: the document with _id string \"acc_7\" does not decode: "
                 "level: expected integer from 1 to 4, found 9; "
                 "created_at: expected date and time, found nothing");
    ASSERT_EQ(error.violations().size(), 2U);
    EXPECT_EQ(to_string(error.violations()[0].path), "level");
  }
}

TEST(EncodeTest, WritesFieldsInOrderAndLeavesAbsentOnesOut) {
  EXPECT_EQ(bson::to_json(to_bson(small_account())),
            R"({ "_id" : "acc_1", "email" : "ann@example.org", "name" : "Ann", "level" : 1, )"
            R"("scale" : 7.5, "credits" : 0, "colour" : "red", "active" : true, "ratio" : 0.0, )"
            R"("delta" : 0, "tags" : [  ], "addresses" : [  ], "settings" : {  }, )"
            R"("created_at" : { "$date" : "2023-11-14T22:13:20.123Z" } })");
}

TEST(EncodeTest, WritesJsonWithNullForAbsentAndWithoutInternalFields) {
  Account account = small_account();
  account.lease = "mine";
  account.addresses = {{.street = "Main", .number = 1}};
  EXPECT_EQ(to_json(account),
            R"({"id":"acc_1","email":"ann@example.org","name":"Ann","level":1,"scale":7.5,)"
            R"("credits":0,"colour":"red","active":true,"ratio":0.0,"delta":0,"note":null,)"
            R"("nick":null,"tags":[],"addresses":[{"street":"Main","number":1}],"home":null,)"
            R"("settings":{},"created_at":"2023-11-14T22:13:20.123Z"})");
}

TEST(EncodeTest, AppendsOneFieldAndNothingForAnAbsentOne) {
  bson::Builder builder;
  append(builder, "email", Email("A@B.co"));
  const std::optional<Email> none;
  append(builder, "none", none);
  append(builder, "colour", Colour::kDeepBlue);
  append(builder, "at", Time{std::chrono::milliseconds{5}});
  append(builder, "home", Address{.street = "Main", .number = 1});
  EXPECT_EQ(bson::to_json(builder.finish()), R"({ "email" : "a@b.co", "colour" : "deep-blue", )"
                                             R"("at" : { "$date" : "1970-01-01T00:00:00.005Z" }, )"
                                             R"("home" : { "street" : "Main", "number" : 1 } })");
}

}  // namespace
}  // namespace gesso::schema::testing
