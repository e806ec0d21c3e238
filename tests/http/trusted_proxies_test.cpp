#include "gesso/http/trusted_proxies.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <random>

#include "gesso/base/error.hpp"

namespace gesso::http {
namespace {

IpAddress address(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(IpAddress());
}

using Fields = std::vector<std::pair<std::string, std::string>>;

// "203.0.113.9 https" for what is asked of `peer` over plain HTTP.
std::string client(const TrustedProxies& proxies, std::string_view peer, const Fields& fields,
                   bool is_https = false) {
  Headers headers;
  for (const auto& [name, value] : fields) headers.add(name, value);
  const auto found = proxies.client_of(address(peer), is_https, headers);
  return found.address.to_string() + (found.is_https ? " https" : " http");
}

TEST(IpAddress, ReadsBothFamiliesAndWritesThemShort) {
  EXPECT_EQ(address("192.0.2.1").to_string(), "192.0.2.1");
  EXPECT_EQ(address("::ffff:192.0.2.1").to_string(), "192.0.2.1");
  EXPECT_EQ(address("192.0.2.1"), address("::ffff:192.0.2.1"));
  EXPECT_EQ(address("2001:DB8:0:0::1").to_string(), "2001:db8::1");
  for (const std::string_view text :
       {"", "1.2.3", "1.2.3.4.5", "1.2.3.4:80", "[::1]", "fe80::1%eth0", "localhost", "unknown",
        "00000000000000000000000000000000000000000000000000001.2.3.4"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(IpNetwork, HoldsTheAddressesOfItsPrefix) {
  const auto holds = [](std::string_view network, std::string_view one) {
    const auto parsed = IpNetwork::parse(network);
    EXPECT_TRUE(parsed) << network;
    return parsed && parsed->contains(address(one));
  };
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.1.2"));
  EXPECT_TRUE(holds("10.1.2.3/8", "10.255.1.2"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(holds("172.16.0.0/12", "172.31.255.255"));
  EXPECT_FALSE(holds("172.16.0.0/12", "172.32.0.0"));
  EXPECT_TRUE(holds("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(holds("192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(holds("0.0.0.0/0", "203.0.113.1"));
  EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(holds("fd00::/8", "fdff::1"));
  EXPECT_TRUE(holds("::/0", "203.0.113.1"));
  for (const std::string_view text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/8x", "10.0.0.0/-1", "::1/129", "ten/8"}) {
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  }
}

TEST(TrustedProxies, BelievesNobodyByDefault) {
  EXPECT_EQ(client(TrustedProxies(), "127.0.0.1",
                   {{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Proto", "https"}}),
            "127.0.0.1 http");
}

TEST(TrustedProxies, ReadsFromTheRightPastThoseItTrusts) {
  const TrustedProxies proxies({"10.0.0.0/8", "::1"});
  EXPECT_EQ(client(proxies, "10.0.0.1", {{"X-Forwarded-For", "203.0.113.9"}}), "203.0.113.9 http");
  EXPECT_EQ(client(proxies, "::1", {{"X-Forwarded-For", "6.6.6.6, 203.0.113.9 ,10.0.0.2"}}),
            "203.0.113.9 http");
  EXPECT_EQ(client(proxies, "10.0.0.1",
                   {{"X-Forwarded-For", "6.6.6.6"}, {"X-Forwarded-For", "203.0.113.9"}}),
            "203.0.113.9 http");
  EXPECT_EQ(client(proxies, "203.0.113.1", {{"X-Forwarded-For", "6.6.6.6"}}), "203.0.113.1 http");
  EXPECT_EQ(client(proxies, "10.0.0.1", {{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}}),
            "10.0.0.3 http");
  EXPECT_EQ(client(proxies, "10.0.0.1", {}), "10.0.0.1 http");
}

TEST(TrustedProxies, StopsAtWhatIsNoAddress) {
  const TrustedProxies proxies({"10.0.0.0/8"});
  EXPECT_EQ(client(proxies, "10.0.0.1", {{"X-Forwarded-For", "6.6.6.6, unknown, 10.0.0.2"}}),
            "10.0.0.2 http");
  EXPECT_EQ(client(proxies, "10.0.0.1", {{"X-Forwarded-For", "6.6.6.6, "}}), "10.0.0.1 http");
}

TEST(TrustedProxies, TakesAddressesWithPorts) {
  const TrustedProxies proxies({"10.0.0.0/8"});
  EXPECT_EQ(client(proxies, "10.0.0.1", {{"X-Forwarded-For", "203.0.113.9:4711"}}),
            "203.0.113.9 http");
  EXPECT_EQ(client(proxies, "10.0.0.1", {{"X-Forwarded-For", "[2001:db8::1]:4711"}}),
            "2001:db8::1 http");
  EXPECT_EQ(client(proxies, "10.0.0.1", {{"X-Forwarded-For", "2001:db8::1"}}), "2001:db8::1 http");
}

TEST(TrustedProxies, TakesTheSchemeByWhichTheClientCame) {
  const TrustedProxies proxies({"10.0.0.0/8"});
  EXPECT_EQ(client(proxies, "10.0.0.1",
                   {{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Proto", "HTTPS"}}),
            "203.0.113.9 https");
  EXPECT_EQ(client(proxies, "10.0.0.1", {{"X-Forwarded-Proto", "https"}}), "10.0.0.1 https");
  EXPECT_EQ(client(proxies, "203.0.113.9", {{"X-Forwarded-Proto", "https"}}), "203.0.113.9 http");
  EXPECT_EQ(client(proxies, "203.0.113.9", {{"X-Forwarded-Proto", "http"}}, true),
            "203.0.113.9 https");
  // Appended by each: what the client put in front belongs to the address that it made up.
  EXPECT_EQ(
      client(proxies, "10.0.0.1",
             {{"X-Forwarded-For", "6.6.6.6, 203.0.113.9"}, {"X-Forwarded-Proto", "https, http"}}),
      "203.0.113.9 http");
  EXPECT_EQ(
      client(proxies, "10.0.0.1",
             {{"X-Forwarded-For", "203.0.113.9, 10.0.0.2"}, {"X-Forwarded-Proto", "https, http"}}),
      "203.0.113.9 https");
  EXPECT_EQ(client(proxies, "10.0.0.1",
                   {{"X-Forwarded-For", "203.0.113.9, 10.0.0.2"}, {"X-Forwarded-Proto", "https"}}),
            "203.0.113.9 https");
  EXPECT_EQ(client(proxies, "10.0.0.1",
                   {{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Proto", "gopher"}}, true),
            "203.0.113.9 https");
}

TEST(TrustedProxies, ReadsForwardedWhereThatIsWhatTheProxiesSet) {
  const TrustedProxies proxies({"10.0.0.0/8"}, ForwardedFields::kForwarded);
  EXPECT_EQ(client(proxies, "10.0.0.1",
                   {{"X-Forwarded-For", "6.6.6.6"},
                    {"Forwarded", R"(for=6.6.6.6, For="[2001:db8::1]:4711";proto=https;by=x,)"
                                  R"( proto=http; for=10.0.0.2)"}}),
            "2001:db8::1 https");
  EXPECT_EQ(client(proxies, "10.0.0.1", {{"Forwarded", R"(for="_a,b\"c";proto=https)"}}),
            "10.0.0.1 https");
  EXPECT_EQ(client(TrustedProxies({"10.0.0.0/8"}), "10.0.0.1", {{"Forwarded", "for=6.6.6.6"}}),
            "10.0.0.1 http");
}

TEST(TrustedProxies, TakesAnyBytes) {
  std::minstd_rand random(1);
  const std::string_view pieces[] = {"for=", "proto=",   ",",     ";", "\"", "\\", "[",  "]", ":",
                                     "::1",  "10.0.0.1", "https", " ", "\t", "=",  "_x", "9"};
  for (const ForwardedFields fields : {ForwardedFields::kXForwarded, ForwardedFields::kForwarded}) {
    const TrustedProxies proxies({"0.0.0.0/0", "::/0"}, fields);
    for (int i = 0; i < 2000; ++i) {
      std::string text;
      for (auto n = random() % 12; n > 0; --n) text += pieces[random() % std::size(pieces)];
      const std::string found =
          client(proxies, "10.0.0.1",
                 {{"X-Forwarded-For", text}, {"X-Forwarded-Proto", text}, {"Forwarded", text}});
      EXPECT_FALSE(found.empty());
    }
  }
}

TEST(TrustedProxies, RefusesWhatIsNoNetwork) {
  try {
    const TrustedProxies proxies({"10.0.0.0/8", "everyone"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    EXPECT_NE(std::string(error.what()).find("everyone"), std::string::npos);
  }
}

}  // namespace
}  // namespace gesso::http
