#include "gesso/schema/json.hpp"

#include <gtest/gtest.h>

#include <array>
#include <charconv>
#include <random>
#include <string>
#include <utility>

#include "gesso/bson/json.hpp"
#include "gesso/schema/json_text.hpp"

namespace gesso::schema {
namespace {

Violation refusal(std::string_view text) {
  try {
    (void)parse_json(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    return error.violations().at(0);
  }
  ADD_FAILURE() << "accepted: " << text;
  return {};
}

TEST(ParseJsonTest, ReadsEveryKindOfValue) {
  const bson::Document document = parse_json(
      R"( {"s":"a\u00e9\n","i":5,"big":9223372036854775807,"neg":-3,"d":1.5,"e":1e3,"t":true,)"
      R"("f":false,"n":null,"a":[1,"x",[],{}],"o":{"k":{"l":1}},"":0} )");
  EXPECT_EQ(document["s"].as_string(), "a\xC3\xA9\n");
  EXPECT_EQ(document["i"].as_int64(), 5);
  EXPECT_EQ(document["big"].as_int64(), 9223372036854775807);
  EXPECT_EQ(document["neg"].as_int64(), -3);
  EXPECT_EQ(document["d"].as_double(), 1.5);
  EXPECT_EQ(document["e"].as_double(), 1000.0);
  EXPECT_TRUE(document["t"].as_bool());
  EXPECT_FALSE(document["f"].as_bool());
  EXPECT_TRUE(document["n"].is_null());
  EXPECT_EQ(document.view().at_path("a.1").as_string(), "x");
  EXPECT_TRUE(document.view().at_path("a.2").is_array());
  EXPECT_EQ(document.view().at_path("o.k.l").as_int64(), 1);
  EXPECT_TRUE(document.contains(""));
  EXPECT_TRUE(bson::View::validate(document.view().bytes()));
}

TEST(ParseJsonTest, KeepsIntegersBeyond64BitsAsDoubles) {
  const bson::Document document = parse_json(R"({"a":18446744073709551615,"b":1e30})");
  EXPECT_EQ(document["a"].as_double(), 18446744073709551615.0);
  EXPECT_EQ(document["b"].as_double(), 1e30);
}

TEST(ParseJsonTest, ReadsDoublesToTheLastPlace) {
  const bson::Document document =
      parse_json(R"({"a":8467440771E+30,"b":-4184674222222222222222222222222246077419103230,)"
                 R"("c":1.7976931348623157e308,"d":5e-324,"e":1e-999,"f":0.1})");
  EXPECT_EQ(document["a"].as_double(), 8467440771E+30);
  EXPECT_EQ(document["b"].as_double(), -4184674222222222222222222222222246077419103230.0);
  EXPECT_EQ(document["c"].as_double(), 1.7976931348623157e308);
  EXPECT_EQ(document["d"].as_double(), 5e-324);
  EXPECT_EQ(document["e"].as_double(), 0.0);
  EXPECT_EQ(document["f"].as_double(), 0.1);
}

TEST(ParseJsonTest, SaysWhereTextIsNoJson) {
  struct Case {
    std::string_view text;
    std::size_t position;
    std::string_view reason;
  };
  for (const Case& test : std::vector<Case>{
           {R"({"a":})", 5, "syntax error"},
           {R"({"a":1)", 6, "incomplete"},
           {R"({"a":1} x)", 8, "extra data"},
           {R"({"a":1}{"b":2})", 7, "extra data"},
           {R"({"a":1,"a":2})", 9, "stands twice"},
           {R"({"o":{"a":1,"\u0061":2}})", 19, "stands twice"},
           {R"({"a":1e999})", 10, "too large"},
           {"{\"a\":\"\xFF\"}", 6, "syntax error"},
           {"{\"a\":\"\xED\xA0\x80\"}", 6, "syntax error"},
           {R"({"a":"\ud800"})", 12, "syntax error"},
           {R"({"a\u0000b":1})", 10, "NUL"},
           {"{'a':1}", 1, "syntax error"},
           {R"({"a":1,})", 7, "syntax error"},
           {R"({"a":NaN})", 5, "syntax error"},
           {R"({"a":01})", 6, "syntax error"},
           {"{\"a\":\"\n\"}", 6, "syntax error"},
           {R"({/* */"a":1})", 1, "syntax error"},
       }) {
    const Violation violation = refusal(test.text);
    EXPECT_EQ(violation.type, "json_invalid") << test.text;
    ASSERT_EQ(violation.path.size(), 1U) << test.text;
    EXPECT_EQ(std::get<std::size_t>(violation.path[0]), test.position) << test.text;
    EXPECT_NE(violation.message.find(test.reason), std::string::npos)
        << test.text << ": " << violation.message;
  }
}

TEST(ParseJsonTest, TakesTheSameNameInDifferentObjects) {
  EXPECT_NO_THROW((void)parse_json(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})"));
}

TEST(ParseJsonTest, RefusesWhatIsNoObject) {
  for (const char* text : {"5", "[]", "[{\"a\":1}]", "\"text\"", "null", "true", " 1.5 "}) {
    EXPECT_EQ(refusal(text).type, "model_attributes_type") << text;
    EXPECT_TRUE(refusal(text).path.empty());
  }
  EXPECT_EQ(refusal("").type, "missing");
  EXPECT_EQ(refusal(" \n\t").type, "missing");
}

TEST(ParseJsonTest, StopsAt32Levels) {
  const auto nested = [](int levels) {
    std::string text;
    for (int i = 1; i < levels; ++i) text += "{\"a\":";
    text += "{}";
    for (int i = 1; i < levels; ++i) text += "}";
    return text;
  };
  EXPECT_NO_THROW((void)parse_json(nested(32)));
  EXPECT_EQ(refusal(nested(33)).type, "json_invalid");
  EXPECT_EQ(refusal(std::string(100'000, '[')).type, "model_attributes_type");
  EXPECT_EQ(refusal("{\"a\":" + std::string(100'000, '[')).type, "json_invalid");
}

TEST(JsonTextTest, WritesPlainJson) {
  bson::Builder builder;
  builder.append("s", "a\"\\\n\r\t\x01\x7F\xC3\xA9")
      .append("i", 5)
      .append("l", std::int64_t{-9223372036854775807})
      .append("d", 7.5)
      .append("whole", 20.0)
      .append("inf", 1e308 * 10)
      .append("t", true)
      .append("n", bson::Null{})
      .append("when", Time{std::chrono::milliseconds{1'700'000'000'123}})
      .append("oid", bson::ObjectId{.bytes = {1, 2, 255}})
      .append("a", bson::make_array(1, "x"))
      .append("o", bson::make_document("k", 1));
  const std::vector<std::uint8_t> bytes = {'M', 'a', 'n', 'y'};
  builder.append("b", bson::Binary{.subtype = 0, .bytes = bytes});
  EXPECT_EQ(json_text(builder.finish()),
            R"({"s":"a\"\\\n\r\t\u0001\u007f)"
            "\xC3\xA9"
            R"(","i":5,"l":-9223372036854775807,)"
            R"("d":7.5,"whole":20.0,"inf":null,"t":true,"n":null,)"
            R"("when":"2023-11-14T22:13:20.123Z","oid":"0102ff000000000000000000",)"
            R"("a":[1,"x"],"o":{"k":1},"b":"TWFueQ=="})");
}

TEST(JsonTextTest, RepairsWhatIsNotUtf8) {
  std::string out;
  write_json_string(out, "a\xFF\xC3\xA9\xE2\x82z");
  EXPECT_EQ(out, "\"a\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBDz\"");
}

TEST(JsonTextTest, ReadsBackAsItWasWritten) {
  const bson::Document document =
      parse_json(R"({"a":[1,-2.5,"\u0000\u001f\"",{"b":null}],"c":true,"d":1e300})");
  EXPECT_EQ(parse_json(json_text(document)), document);
}

// Every byte at every place of a text long enough to be read eight bytes at a time.
TEST(JsonStrings, AByteThatNeedsAnEscapeIsFoundWhereverItStands) {
  for (int byte = 0; byte < 0x80; ++byte) {
    for (std::size_t place = 0; place < 20; ++place) {
      std::string text(20, 'x');
      text[place] = static_cast<char>(byte);
      std::string out;
      write_json_string(out, text);
      const bool plain = byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7F;
      EXPECT_EQ(out.size() == text.size() + 2, plain) << byte << " at " << place;
      EXPECT_EQ(parse_json("{\"t\":" + out + "}")["t"].as_string(), text) << byte;
    }
  }
}

// The short way for numbers of one decimal, beside the digits that the standard library finds.
TEST(JsonNumbers, AreTheShortestTextThatReadsAsTheNumber) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> any(-2e6, 2e6);
  std::uniform_int_distribution<std::int64_t> tenths(-10'000'000, 10'000'000);
  for (int i = 0; i < 20'000; ++i) {
    const double value = i % 2 == 0 ? any(random) : static_cast<double>(tenths(random)) / 10;
    std::string text;
    write_json_number(text, value);
    std::array<char, 64> fixed{};
    const auto end =
        std::to_chars(fixed.data(), fixed.data() + fixed.size(), value, std::chars_format::fixed);
    std::string expected(fixed.data(), end.ptr);
    if (expected.find('.') == std::string::npos) expected += ".0";
    double back = 0;
    std::from_chars(text.data(), text.data() + text.size(), back);
    EXPECT_EQ(back, value) << text;
    EXPECT_LE(text.size(), expected.size()) << text;
  }
  for (const auto& [value, text] :
       std::to_array<std::pair<double, const char*>>({{0, "0.0"},
                                                      {-0.0, "-0.0"},
                                                      {-0.1, "-0.1"},
                                                      {0.3, "0.3"},
                                                      {0.1 + 0.2, "0.30000000000000004"},
                                                      {7.5, "7.5"},
                                                      {-12, "-12.0"},
                                                      {999999.9, "999999.9"},
                                                      {0.05, "0.05"},
                                                      {1e300, "1e+300"}})) {
    std::string out;
    write_json_number(out, value);
    EXPECT_EQ(out, text);
  }
}

}  // namespace
}  // namespace gesso::schema
