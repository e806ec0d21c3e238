#include "gesso/api/gzip.hpp"

#include <gtest/gtest.h>

#include "gesso/base/error.hpp"

namespace gesso::api {
namespace {

TEST(GzipTest, GivesBackWhatItCompressed) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i);
  for (const std::string& one : {std::string(), std::string("a\0b", 3), text}) {
    const std::string compressed = gzip(one);
    EXPECT_TRUE(compressed.starts_with("\x1f\x8b"));
    EXPECT_EQ(gunzip(compressed), one);
  }
  EXPECT_LT(gzip(text).size(), text.size() / 2);
}

TEST(GzipTest, RefusesWhatIsCutOrNoGzip) {
  const std::string compressed = gzip("a text that is long enough to be cut");
  EXPECT_THROW((void)gunzip(compressed.substr(0, compressed.size() / 2)), Error);
  EXPECT_THROW((void)gunzip("no gzip"), Error);
  EXPECT_THROW((void)gunzip(""), Error);
}

TEST(GzipTest, IsSentToThoseWhoTakeIt) {
  for (const char* yes : {"gzip", "GZIP", "deflate, gzip", "br;q=1.0, gzip;q=0.5, *;q=0", "*",
                          " gzip ; q=1", "identity;q=0.5, gzip"}) {
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  }
  for (const char* no : {"", "identity", "br", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "xgzip"}) {
    EXPECT_FALSE(accepts_gzip(no)) << no;
  }
  EXPECT_FALSE(accepts_gzip(std::nullopt));
}

}  // namespace
}  // namespace gesso::api
