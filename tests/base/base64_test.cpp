#include "gesso/base/base64.hpp"

#include <gtest/gtest.h>

namespace gesso {
namespace {

TEST(Base64Url, GoesBothWays) {
  std::string bytes;
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(base64url_decode(base64url_encode(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
  EXPECT_EQ(base64url_encode("\xff\xfe"), "__4");
  EXPECT_EQ(base64url_encode(std::string_view("\0\x10\x83", 3)), "ABCD");
  for (const char* text : {"a", "__5", "a=", "a b", "ab+c", "ab/c"}) {
    EXPECT_FALSE(base64url_decode(text)) << text;
  }
}

TEST(Base64, IsPaddedAndCanonical) {
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
  EXPECT_EQ(base64_encode("foo\xFB\xFF"), "Zm9v+/8=");
  EXPECT_EQ(base64_decode("Zm9v+/8="), "foo\xFB\xFF");
  EXPECT_EQ(base64_decode(""), "");
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v-_8=", " Zg=", "=", "===="}) {
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace gesso
