#include "gesso/client/allowed_origins.hpp"

#include <gtest/gtest.h>

#include "tests/client/support.hpp"

namespace gesso::client {
namespace {

bool allow(const AllowedOrigins& origins, std::string_view url) {
  const auto parsed = parse_url(url);
  EXPECT_TRUE(parsed) << url;
  return parsed && origins.allow(*parsed);
}

TEST(AllowedOrigins, AllowASchemeAHostAndAPortTogether) {
  const AllowedOrigins origins{{"https://api.stripe.com", "http://127.0.0.1:8080"}};
  EXPECT_TRUE(allow(origins, "https://api.stripe.com/v1/customers?limit=1"));
  EXPECT_TRUE(allow(origins, "https://API.stripe.com:443"));
  EXPECT_TRUE(allow(origins, "http://127.0.0.1:8080/"));
  for (const char* url :
       {"http://api.stripe.com/", "https://api.stripe.com:8443/", "https://stripe.com/",
        "https://x.api.stripe.com/", "https://api.stripe.com.evil.com/", "http://127.0.0.1/"}) {
    EXPECT_FALSE(allow(origins, url)) << url;
  }
}

TEST(AllowedOrigins, AllowEveryNameBelowADomain) {
  const AllowedOrigins origins{{"https://*.blob.core.windows.net"}};
  EXPECT_TRUE(allow(origins, "https://paint.blob.core.windows.net/a"));
  EXPECT_TRUE(allow(origins, "https://a.b.blob.core.windows.net/"));
  EXPECT_FALSE(allow(origins, "https://blob.core.windows.net/"));
  EXPECT_FALSE(allow(origins, "https://evilblob.core.windows.net/"));
  EXPECT_FALSE(allow(origins, "https://.blob.core.windows.net/"));
}

TEST(AllowedOrigins, AllowNobodyWhereNoneIsNamed) {
  EXPECT_FALSE(allow(AllowedOrigins(std::vector<std::string>{}), "https://example.com/"));
}

TEST(AllowedOrigins, RefuseWhatIsNoOrigin) {
  for (const char* text : {"", "example.com", "https://example.com/", "https://example.com/path",
                           "ftp://example.com", "https://*", "https://*.", "https://a.*.com",
                           "*.example.com", "https://user@example.com"}) {
    const Error error = error_of([&] { (void)AllowedOrigins({text}); });
    EXPECT_EQ(error.kind(), ErrorKind::kValidation) << text;
  }
}

}  // namespace
}  // namespace gesso::client
