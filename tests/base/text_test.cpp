#include "gesso/base/text.hpp"

#include <gtest/gtest.h>

#include "gesso/base/crypto.hpp"
#include "gesso/base/uuid.hpp"

namespace gesso {
namespace {

using namespace std::string_view_literals;

TEST(Text, LowerTouchesAsciiLettersAlone) {
  EXPECT_EQ(lower("AZ[@`az\xC3\x84 09"sv), "az[@`az\xC3\x84 09");
  EXPECT_TRUE(equal_ignoring_case("Content-Length", "content-lengtH"));
  EXPECT_FALSE(equal_ignoring_case("a", "ab"));
  EXPECT_FALSE(equal_ignoring_case("[", "{"));
}

TEST(Text, PercentCodingKeepsTheUnreservedCharactersAndComesBack) {
  EXPECT_EQ(percent_encode("aZ09-._~ /%+\xC3\xA4"), "aZ09-._~%20%2F%25%2B%C3%A4");
  for (const std::string_view text : {""sv, "a b"sv, "100%"sv, "\0\xFF+"sv}) {
    EXPECT_EQ(percent_decode(percent_encode(text)), text);
  }
  EXPECT_EQ(percent_decode("a+b%2bc"), "a+b+c");
  EXPECT_EQ(percent_decode("\0"sv), "\0"sv);
  EXPECT_EQ(form_decode("a+b%2Bc"), "a b+c");
  for (const std::string_view text : {"%", "%2", "%2g", "%g2", "a%%20"}) {
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
  }
}

TEST(Text, Utf8IsThatOfTheUnicodeStandard) {
  for (const std::string_view text :
       {""sv, "plain text, longer than eight"sv, "\xC2\x80"sv, "\xE0\xA0\x80"sv, "\xED\x9F\xBF"sv,
        "\xF0\x90\x80\x80"sv, "\xF4\x8F\xBF\xBF"sv, "\0"sv}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const std::string_view text :
       {"\x80"sv, "\xC0\xAF"sv, "\xC2"sv, "\xE0\x9F\xBF"sv, "\xED\xA0\x80"sv, "\xF0\x8F\xBF\xBF"sv,
        "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "eight ch\xE2\x82"sv}) {
    EXPECT_FALSE(is_utf8(text)) << text;
    EXPECT_EQ(utf8_length(text), std::nullopt);
  }
  EXPECT_EQ(utf8_length("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8E\xA8"), 4);
  EXPECT_EQ(byte_of_code_point("a\xC3\xA4z", 2), 3u);
  EXPECT_EQ(byte_of_code_point("a\xC3\xA4z", 9), 4u);
  EXPECT_EQ(utf8_prefix("a\xC3\xA4z", 2), "a");
  EXPECT_EQ(utf8_prefix("a\xC3\xA4z", 3), "a\xC3\xA4");
}

// The examples of FIPS 180-2 and RFC 4231 (case 2).
TEST(Crypto, DigestsAreThoseOfTheStandards) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Uuid, IsOfVersion4) {
  SystemRandom random;
  const std::string text = to_string(random_uuid(random));
  ASSERT_EQ(text.size(), 36u);
  EXPECT_EQ(text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-', true) << text;
  EXPECT_EQ(text[14], '4');
  EXPECT_NE(std::string_view("89ab").find(text[19]), std::string_view::npos) << text;
  EXPECT_NE(text, to_string(random_uuid(random)));
}

}  // namespace
}  // namespace gesso
