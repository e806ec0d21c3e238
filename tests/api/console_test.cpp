// /console as a browser asks for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "gesso/api/console_page.hpp"
#include "gesso/api/gzip.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ConsoleTest : public ::testing::Test {
 protected:
  testing::ServiceFixture fixture;

  http::testing::RawResponse get(std::string_view path, std::string_view headers = "") {
    http::testing::RawClient client(fixture.service().server.port());
    return client.exchange(http::testing::request("GET", path, headers, ""));
  }
};

TEST_F(ConsoleTest, ThePageLoadsOnlyWhatTheProgramHas) {
  const auto page = get("/console");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.header("cache-control"), "no-cache");
  EXPECT_THAT(page.body, Not(HasSubstr("://")));
  EXPECT_THAT(page.body, Not(HasSubstr("<style")));

  static constexpr std::string_view kAsset = "\"console/assets/";
  std::set<std::string> loaded;
  for (std::size_t at = page.body.find(kAsset); at != std::string::npos;
       at = page.body.find(kAsset, at + 1)) {
    loaded.insert(page.body.substr(at + 1, page.body.find('"', at + 1) - at - 1));
  }
  EXPECT_GE(loaded.size(), 3U);  // a script, a style sheet, an icon
  for (const std::string& path : loaded) EXPECT_EQ(get("/" + path).status, 200) << path;
  for (const EmbeddedAsset& asset : console_assets()) {
    const std::string path = "/console/assets/" + std::string(asset.name);
    const auto plain = get(path);
    EXPECT_EQ(plain.status, 200) << path;
    EXPECT_EQ(plain.header("content-type"), asset.type);
    EXPECT_EQ(plain.header("cache-control"), "public, max-age=31536000, immutable");
    EXPECT_EQ(gunzip(get(path, "Accept-Encoding: gzip\r\n").body), plain.body);
  }
  EXPECT_EQ(get("/console/assets/none.js").status, 404);
}

TEST_F(ConsoleTest, ItsPolicyAdmitsNoScriptOrStyleWithinThePage) {
  const std::string policy(get("/console").header("content-security-policy"));
  EXPECT_THAT(policy, HasSubstr("default-src 'none'; script-src 'self'; style-src 'self'; "));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, HasSubstr("require-trusted-types-for 'script'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
}

TEST_F(ConsoleTest, IsToldWhoPaintsAndWhatItCosts) {
  const auto reply = get("/api/v1/models");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const boost::json::value body = boost::json::parse(reply.body);
  const auto& items = body.at("items").as_array();
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(boost::json::serialize(items[0]),
            R"({"model_type":"stable-diffusion-xl","provider":"preview","credits":1})");
  EXPECT_EQ(items[2].at("model_type"), "dalle-3");
}

TEST_F(ConsoleTest, ASlashAtItsEndLeadsThere) {
  const auto folder = get("/console/");
  EXPECT_EQ(folder.status, 302);
  EXPECT_EQ(folder.header("location"), "../console");
}

}  // namespace
}  // namespace gesso::api
