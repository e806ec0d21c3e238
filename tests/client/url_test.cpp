#include "gesso/client/url.hpp"

#include <gtest/gtest.h>

#include "gesso/base/text.hpp"

namespace gesso::client {
namespace {

TEST(Url, ReadsItsParts) {
  const auto url = parse_url("HTTPS://Login.MicrosoftOnline.com/a/b?c=d");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "login.microsoftonline.com");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->path, "/a/b?c=d");
  EXPECT_EQ(url->origin(), "https://login.microsoftonline.com");
  EXPECT_EQ(parse_url("http://127.0.0.1:40342?x")->origin(), "http://127.0.0.1:40342");
  EXPECT_EQ(parse_url("http://[::1]:80/")->origin(), "http://[::1]");
}

TEST(Url, RefusesWhatTwoParsersCouldReadDifferently) {
  for (const char* text : {"",
                           "localhost",
                           "ftp://localhost",
                           "file:///etc/passwd",
                           "http://",
                           "http:///a",
                           "http://user@host/",
                           "http://host:pass@evil/",
                           "http://host\\@evil/",
                           "http://host#@evil/",
                           "http://ho st/",
                           "http://host\r\nX: y/",
                           "http://host:0/",
                           "http://host:65536/",
                           "http://host:/",
                           "http://host:80x/",
                           "http://[::1/",
                           "http://[::1]80/",
                           "http://[host]/",
                           "http://h%6Fst/",
                           "http://h\xC3\xB6st/"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(Url, KnowsThisMachineAndItsLink) {
  for (const char* text : {"http://localhost/", "http://127.0.0.1/", "http://127.1.2.3/",
                           "http://169.254.169.254/", "http://[::1]/", "http://[fe80::1]/"}) {
    EXPECT_TRUE(parse_url(text)->is_local()) << text;
  }
  for (const char* text : {"http://localhost.evil.com/", "http://10.0.0.1/", "http://169.253.0.1/",
                           "http://127.0.0.1.evil.com/", "http://127.1/", "http://[fec0::1]/",
                           "http://[::2]/", "http://0.0.0.0/"}) {
    EXPECT_FALSE(parse_url(text)->is_local()) << text;
  }
}

TEST(Url, KnowsPrivateAddressesButNoNames) {
  for (const char* text : {"http://10.0.0.1/", "http://172.16.5.3/", "http://172.31.0.1/",
                           "http://192.168.1.1/", "http://100.64.100.2/", "http://[fd00::1]/"}) {
    EXPECT_TRUE(parse_url(text)->is_private()) << text;
  }
  for (const char* text : {"http://172.32.0.1/", "http://172.15.0.1/", "http://100.128.0.1/",
                           "http://100.63.0.1/", "http://192.169.0.1/", "http://10.0.0.1.evil.com/",
                           "http://11.0.0.1/", "http://[2001:db8::1]/", "http://sidecar/"}) {
    EXPECT_FALSE(parse_url(text)->is_private()) << text;
  }
}

TEST(Url, EncodesValues) {
  EXPECT_EQ(percent_encode("https://vault.azure.net"), "https%3A%2F%2Fvault.azure.net");
  EXPECT_EQ(percent_encode("a~b_c-d.e"), "a~b_c-d.e");
  EXPECT_EQ(percent_encode("+& \xC3\xBC"), "%2B%26%20%C3%BC");
  EXPECT_EQ(form_encode({{"a", "1&2"}, {"b", ""}}), "a=1%262&b=");
}

}  // namespace
}  // namespace gesso::client
