// /openapi.json and /docs as a browser asks for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "gesso/api/docs_page.hpp"
#include "gesso/api/gzip.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DocumentationTest : public ::testing::Test {
 protected:
  testing::ServiceFixture fixture;

  http::testing::RawResponse get(std::string_view path, std::string_view headers = "") {
    http::testing::RawClient client(fixture.service().server.port());
    return client.exchange(http::testing::request("GET", path, headers, ""));
  }
};

TEST_F(DocumentationTest, SendsTheDocumentCompressedToThoseWhoTakeIt) {
  const auto plain = get("/openapi.json");
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.header("content-type"), "application/json");
  EXPECT_EQ(plain.header("vary"), "Accept-Encoding");
  EXPECT_EQ(boost::json::parse(plain.body).at("openapi"), "3.1.0");

  const auto compressed = get("/openapi.json", "Accept-Encoding: br, gzip\r\n");
  EXPECT_EQ(compressed.header("content-encoding"), "gzip");
  EXPECT_LT(compressed.body.size(), plain.body.size() / 3);
  EXPECT_EQ(gunzip(compressed.body), plain.body);
}

TEST_F(DocumentationTest, IsNotSentAgainToWhoHasIt) {
  for (const char* path : {"/openapi.json", "/docs"}) {
    const auto first = get(path);
    EXPECT_EQ(first.header("cache-control"), "no-cache");
    const auto again = get(path, "If-None-Match: " + first.header("etag") + "\r\n");
    EXPECT_EQ(again.status, 304) << path;
    EXPECT_EQ(again.header("etag"), first.header("etag"));
    EXPECT_EQ(again.body, "");
    EXPECT_EQ(get(path, "If-None-Match: \"another\"\r\n").status, 200);
  }
}

TEST_F(DocumentationTest, ThePageLoadsOnlyWhatTheProgramHas) {
  const auto page = get("/docs");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.header("content-type"), HasSubstr("text/html"));
  EXPECT_THAT(page.header("content-security-policy"), HasSubstr("default-src 'none'"));
  EXPECT_THAT(page.body, Not(HasSubstr("://")));

  std::set<std::string> loaded;
  static constexpr std::string_view kAsset = "\"docs/assets/";
  for (std::size_t at = page.body.find(kAsset); at != std::string::npos;
       at = page.body.find(kAsset, at + 1)) {
    loaded.insert(page.body.substr(at + 1, page.body.find('"', at + 1) - at - 1));
  }
  EXPECT_EQ(loaded.size(), docs_assets().size());
  for (const std::string& path : loaded) {
    const auto plain = get("/" + path);
    EXPECT_EQ(plain.status, 200) << path;
    EXPECT_EQ(plain.header("cache-control"), "public, max-age=31536000, immutable");
    const auto compressed = get("/" + path, "Accept-Encoding: gzip\r\n");
    EXPECT_EQ(compressed.header("content-encoding"), "gzip");
    EXPECT_EQ(gunzip(compressed.body), plain.body);
  }
}

TEST_F(DocumentationTest, HasNoOtherFiles) {
  EXPECT_EQ(get("/docs/assets/none.js").status, 404);
  EXPECT_EQ(get("/docs/assets/..%2F..%2Fetc%2Fpasswd").status, 404);
}

}  // namespace
}  // namespace gesso::api
