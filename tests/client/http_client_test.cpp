#include "gesso/client/http_client.hpp"

#include <gtest/gtest.h>

namespace gesso::client {
namespace {

TEST(HttpResponse, GivesTheFirstHeaderOfAName) {
  const HttpResponse response{.headers = {{"retry-after", "1"}, {"retry-after", "2"}}};
  EXPECT_EQ(response.header("retry-after"), "1");
  EXPECT_EQ(response.header("www-authenticate"), std::nullopt);
}

}  // namespace
}  // namespace gesso::client
