// The database as an administrator sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using testing::Reply;
using testing::ServiceFixture;
namespace json = boost::json;

constexpr const char* kPath = "/api/v1/admin/database";

TEST(AdminDatabase, TellsSizesOfCollectionsAndIndexesAndWhatIsAbsent) {
  ServiceFixture fixture;
  const std::string token = fixture.token_of("ann@example.com");
  EXPECT_EQ(fixture.ask("GET", kPath, {}, token).status, 403);
  fixture.promote(token);
  const Reply reply = fixture.ask("GET", kPath, {}, token);
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json::value body = reply.value();
  EXPECT_EQ(body.at("dialect"), "localdb");
  EXPECT_GT(body.at("storage_mb").to_number<double>(), 0);
  const auto& collections = body.at("collections").as_array();
  const auto users = std::ranges::find_if(
      collections, [](const json::value& one) { return one.at("name") == "users"; });
  ASSERT_NE(users, collections.end());
  EXPECT_EQ(users->at("documents"), 1);
  const auto& indexes = users->at("indexes").as_array();
  EXPECT_TRUE(std::ranges::any_of(
      indexes, [](const json::value& one) { return one.at("name") == "email_1"; }));
  // The embedded engine does not count what its indexes are used for, and says so.
  EXPECT_EQ(body.at("absent"), json::array{"use of indexes ($indexStats)"});
  EXPECT_FALSE(indexes.front().as_object().contains("uses") &&
               !indexes.front().at("uses").is_null());
}

}  // namespace
}  // namespace gesso::api
