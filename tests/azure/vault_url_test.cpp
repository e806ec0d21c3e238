#include "gesso/azure/vault_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/base/error.hpp"

namespace gesso::azure {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

std::string refusal(std::string_view url, const std::vector<std::string>& more = {}) {
  try {
    return "accepted: " + check_vault_url(url, more).text;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    return error.what();
  }
}

TEST(VaultUrl, KnowsTheVaultsOfEachCloud) {
  for (const std::string suffix :
       {"vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net", "managedhsm.azure.net",
        "managedhsm.azure.cn", "managedhsm.usgovcloudapi.net"}) {
    const VaultUrl url = check_vault_url("https://My-Vault1." + suffix + "/");
    EXPECT_EQ(url.text, "https://my-vault1." + suffix);
    EXPECT_EQ(url.host, "my-vault1." + suffix);
    EXPECT_EQ(url.suffix, suffix);
    EXPECT_EQ(url.resource, "https://" + suffix);
  }
  EXPECT_EQ(check_vault_url("HTTPS://V.VAULT.AZURE.NET:443").text, "https://v.vault.azure.net");
}

TEST(VaultUrl, NamesTheAuthoritiesOfItsCloudAlone) {
  EXPECT_THAT(check_vault_url("https://v.vault.azure.net").authorities,
              Contains("login.microsoftonline.com"));
  EXPECT_THAT(check_vault_url("https://v.vault.azure.net").authorities,
              Not(Contains("login.chinacloudapi.cn")));
  EXPECT_THAT(check_vault_url("https://v.vault.azure.cn").authorities,
              Contains("login.chinacloudapi.cn"));
  EXPECT_THAT(check_vault_url("https://v.vault.usgovcloudapi.net").authorities,
              Contains("login.microsoftonline.us"));
}

TEST(VaultUrl, RefusesWhatIsNoVaultWithItsReason) {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"https://evilvault.azure.net", "only looks like a vault: expected a '.' before"},
      {"https://vault.azure.net.evil.com", "vault.azure.net is not at its end"},
      {"https://v.vault.azure.net.evil.com/", "only looks like a vault"},
      {"https://v.vault.azure.net@evil.com", "no user information"},
      {"https://user:pw@v.vault.azure.net", "no user information"},
      {"http://v.vault.azure.net", "expected https, found http"},
      {"HTTP://v.vault.azure.net", "expected https, found http"},
      {"ftp://v.vault.azure.net", "expected https://"},
      {"v.vault.azure.net", "expected https://"},
      {"//v.vault.azure.net", "expected https://"},
      {"", "expected https://"},
      {"https://", "expected https://NAME"},
      {"https://vault.azure.net", "found the bare domain"},
      {"https://.vault.azure.net", "found the bare domain"},
      {"https://-a.vault.azure.net", "expected one name before"},
      {"https://a.b.vault.azure.net", "expected one name before"},
      {"https://v.vault.azure.net.", "only looks like a vault"},
      {"https://169.254.169.254", "found an IP address"},
      {"https://[::1]/", "found an IP address"},
      {"https://0x7f000001", "found an IP address"},
      {"https://127.1", "found an IP address"},
      {"https://v.vault.azure.net:8443", "expected port 443, found 8443"},
      {"https://v.vault.azure.net:80@evil.com", "no user information"},
      {"https://v.vault.azure.net:x", "expected https://NAME"},
      {"https://v.vault.azure.net?x=1", "no query"},
      {"https://v.vault.azure.net/?x", "no query"},
      {"https://v.vault.azure.net/#x", "no fragment"},
      {"https://v.vault.azure.net/secrets/name", "no path"},
      {"https://evil.com/v.vault.azure.net", "no path"},
      {"https://evil.com?.vault.azure.net", "no query"},
      {"https://evil.com#.vault.azure.net", "no fragment"},
      {"https://evil.com\\.vault.azure.net", "expected https://NAME"},
      {"https://evil.com%2f.vault.azure.net", "expected https://NAME"},
      {"https://evil.com\n.vault.azure.net", "expected https://NAME"},
      {"https://v\xD0\xB0ult.vault.azure.net", "expected https://NAME"},
      {" https://v.vault.azure.net", "expected https://"},
      {"https://evil.com", "in no domain of key vaults"},
      {"https://v.vault.azure.com", "in no domain of key vaults"},
      {"https://v.privatelink.vaultcore.azure.net", "the name of a private endpoint"},
      {"https://localhost", "in no domain of key vaults"},
  };
  for (const auto& [url, reason] : kCases) EXPECT_THAT(refusal(url), HasSubstr(reason)) << url;
}

TEST(VaultUrl, ASettingAddsDomains) {
  for (const char* more : {"vault.example.test", ".Vault.Example.TEST"}) {
    const VaultUrl url = check_vault_url("https://v.vault.example.test", {more});
    EXPECT_EQ(url.resource, "https://vault.example.test");
    EXPECT_THAT(url.authorities, Contains("login.microsoftonline.us"));
  }
  EXPECT_THAT(refusal("https://evilvault.example.test", {"vault.example.test"}),
              HasSubstr("only looks like a vault"));
  for (const char* more : {"", ".", "net", "a..b", "*.example", "example.test/", "a b.c"}) {
    EXPECT_THAT(refusal("https://v.net", {more}), HasSubstr("two labels or more")) << more;
  }
}

TEST(VaultUrl, BelowADomainMeansBehindADot) {
  EXPECT_TRUE(is_below("a.b", "b"));
  EXPECT_FALSE(is_below("b", "b"));
  EXPECT_FALSE(is_below(".b", "b"));
  EXPECT_FALSE(is_below("ab", "b"));
  EXPECT_FALSE(is_below("a.b", ""));
}

TEST(VaultUrl, SecretNamesAndVersionsAreChecked) {
  EXPECT_NO_THROW(check_secret_name("mongodb-connection-string"));
  EXPECT_NO_THROW(check_secret_name(std::string(127, 'a')));
  for (const std::string& bad : {std::string(), std::string(128, 'a'), std::string("a/b"),
                                 std::string("a_b"), std::string("a?"), std::string("..")}) {
    EXPECT_THROW(check_secret_name(bad), Error) << bad;
  }
  EXPECT_NO_THROW(check_secret_version("0123456789abcdefABCDEF0123456789"));
  for (const char* good : {"1", "v2-2026_11.30~a", "0123456789abcdef0123456789abcdef0"}) {
    EXPECT_NO_THROW(check_secret_version(good)) << good;
  }
  for (const std::string& bad : {std::string(), std::string("a/b"), std::string("a?b"),
                                 std::string(".."), std::string("a b"), std::string(128, 'a')}) {
    EXPECT_THROW(check_secret_version(bad), Error) << bad;
  }
}

}  // namespace
}  // namespace gesso::azure
