#include "gesso/cli/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/base/error.hpp"

namespace gesso::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

std::string refusal(const SettingSources& sources) {
  try {
    (void)load_settings(sources);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    return error.what();
  }
  ADD_FAILURE() << "the settings were accepted";
  return "";
}

std::string origin(const LoadedSettings& loaded, std::string_view key) {
  return loaded.origins[static_cast<std::size_t>(find_setting(key) - setting_table().data())];
}

TEST(SettingsTest, ACopyHasEverySetting) {
  Settings settings = load_settings({.flags = {{"mongodb_uri", "mongodb://h/"},
                                               {"jwt_secret", std::string(32, 'x')},
                                               {"listen", "127.0.0.1:1"},
                                               {"io_threads", "7"},
                                               {"access_log", "true"},
                                               {"drain_timeout", "9s"}}})
                          .values;
  const Settings copy = clone(settings);
  for (const Setting& setting : setting_table()) {
    EXPECT_EQ(show(copy, setting), show(settings, setting)) << setting.key;
  }
  EXPECT_EQ(copy.mongodb_uri.reveal(), "mongodb://h/");
  EXPECT_EQ(copy.jwt_secret.reveal(), settings.jwt_secret.reveal());
}

TEST(SettingsTest, FlagsWinOverTheEnvironmentOverTheFileOverDefaults) {
  const LoadedSettings loaded = load_settings(
      {.flags = {{"listen", "127.0.0.1:1"}},
       .environment = {{"GESSO_LISTEN", "127.0.0.1:2"}, {"GESSO_IO_THREADS", "3"}, {"HOME", "/"}},
       .file_name = "gesso.toml",
       .file_text = "listen = '127.0.0.1:3'\nio_threads = 4\n# a comment\nmax_connections = 9\n"});
  EXPECT_EQ(loaded.values.listen, "127.0.0.1:1");
  EXPECT_EQ(origin(loaded, "listen"), "--listen");
  EXPECT_EQ(loaded.values.io_threads, 3);
  EXPECT_EQ(origin(loaded, "io_threads"), "GESSO_IO_THREADS");
  EXPECT_EQ(loaded.values.max_connections, 9);
  EXPECT_EQ(origin(loaded, "max_connections"), "gesso.toml:4");
  EXPECT_EQ(loaded.values.bcrypt_rounds, 12);
  EXPECT_EQ(origin(loaded, "bcrypt_rounds"), "default");
}

TEST(SettingsTest, ReadsEveryType) {
  const LoadedSettings loaded = load_settings(
      {.environment = {{"GESSO_ACCESS_LOG", "1"}, {"GESSO_SWEEP_INTERVAL", "500ms"}},
       .file_name = "gesso.toml",
       .file_text = "token_lifetime = '2h'\nmongodb_uri = 'mongodb://a:b@c'\ndata_dir = '/x y'\n"
                    "database = 'studio'\n"});
  EXPECT_TRUE(loaded.values.access_log);
  EXPECT_EQ(loaded.values.sweep_interval, 500ms);
  EXPECT_EQ(loaded.values.token_lifetime, 2h);
  EXPECT_EQ(loaded.values.mongodb_uri.reveal(), "mongodb://a:b@c");
  EXPECT_EQ(loaded.values.data_dir, "/x y");
  EXPECT_EQ(loaded.values.database, "studio");
}

TEST(SettingsTest, LimitsAreReadAtTheStart) {
  const auto load = [](const char* limits) {
    return load_settings({.environment = {{"GESSO_LIMITS", limits}}});
  };
  EXPECT_EQ(load("free.read = 5/1m").values.limits, "free.read = 5/1m");
  try {
    (void)load("free.read = 5/1w");
    ADD_FAILURE() << "it was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string_view(error.what()).find("a window of 1s to 1d in s, m, h or d"),
              std::string_view::npos)
        << error.what();
  }
}

TEST(SettingsTest, TheDatabaseHasAVariableAndAFlag) {
  LoadedSettings loaded = load_settings({.environment = {{"GESSO_DATABASE", "studio"}}});
  EXPECT_EQ(loaded.values.database, "studio");
  loaded = load_settings(
      {.flags = {{"database", "atelier"}}, .environment = {{"GESSO_DATABASE", "studio"}}});
  EXPECT_EQ(loaded.values.database, "atelier");
  EXPECT_EQ(origin(loaded, "database"), "--database");
}

TEST(SettingsTest, NameTheNearestOfAnUnknownKey) {
  EXPECT_EQ(refusal({.file_name = "gesso.toml", .file_text = "\nmongodb_pool_siez = 5\n"}),
            "gesso.toml:2: mongodb_pool_siez: expected a known setting, perhaps "
            "mongodb_pool_size, found one that does not exist");
  EXPECT_THAT(refusal({.environment = {{"GESSO_LISTN", "x"}}}), HasSubstr("perhaps GESSO_LISTEN"));
  EXPECT_THAT(refusal({.environment = {{"GESSO_QQQQQQQQQ", "x"}}}),
              HasSubstr("`gesso config` lists them"));
  EXPECT_THAT(refusal({.file_name = "f", .file_text = "[server]\nlisten = 'x:1'\n"}),
              HasSubstr("f:2: server.listen"));
}

TEST(SettingsTest, LeaveTheVariablesOfTestsAlone) {
  EXPECT_NO_THROW((void)load_settings(
      {.environment = {
           {"GESSO_TEST_MONGODB_URI", "x"}, {"GESSO_CONFIG", "gesso.toml"}, {"GESSOX", "x"}}}));
}

TEST(SettingsTest, SayEverythingThatIsWrongAtOnce) {
  const std::string message =
      refusal({.flags = {{"listen", "8080"}, {"io_threads", "0"}},
               .environment = {{"GESSO_BCRYPT_ROUNDS", "many"}, {"GESSO_ACCESS_LOG", "maybe"}},
               .file_name = "gesso.toml",
               .file_text = "io_threads = '2'\nlisten = 8080\nlog_level = 'loud'\n"
                            "access_log = 1\ntoken_lifetime = '5 parsecs'\n"});
  EXPECT_EQ(message,
            "gesso.toml:1: io_threads: expected integer from 1 to 256, found string \"2\"\n"
            "gesso.toml:2: listen: expected string, found integer 8080\n"
            "gesso.toml:3: log_level: expected one of trace, debug, info, warn, error, off, found "
            "\"loud\"\n"
            "gesso.toml:4: access_log: expected boolean, found integer 1\n"
            "gesso.toml:5: token_lifetime: expected duration such as 500ms, 30s, 5m or 2h, found "
            "\"5 parsecs\"\n"
            "GESSO_BCRYPT_ROUNDS: bcrypt_rounds: expected integer from 4 to 16, found \"many\"\n"
            "GESSO_ACCESS_LOG: access_log: expected true or false, found \"maybe\"\n"
            "--listen: listen: expected HOST:PORT, such as 127.0.0.1:8080, found \"8080\"\n"
            "--io-threads: io_threads: expected integer from 1 to 256, found 0");
}

TEST(SettingsTest, SayWhereAFileIsNoToml) {
  EXPECT_THAT(refusal({.file_name = "gesso.toml", .file_text = "a = 1\nb = \n"}),
              ::testing::StartsWith("gesso.toml:2:"));
}

TEST(SettingsTest, NeverShowASecret) {
  const std::string message = refusal({.environment = {{"GESSO_JWT_SECRET", "hunter2"}},
                                       .file_name = "gesso.toml",
                                       .file_text = "jwt_secret = 1234567\n"});
  EXPECT_THAT(message, HasSubstr("at least 32 bytes, found 7 bytes"));
  EXPECT_THAT(message, Not(HasSubstr("hunter2")));
  EXPECT_THAT(message, Not(HasSubstr("1234567")));

  const LoadedSettings loaded =
      load_settings({.environment = {{"GESSO_MONGODB_URI", "mongodb://u:hunter2@h"}}});
  EXPECT_EQ(show(loaded.values, *find_setting("mongodb_uri")), "(hidden)");
  EXPECT_EQ(show(loaded.values, *find_setting("jwt_secret")), "(not set)");
}

TEST(SettingsTest, EncryptionKeysAreLongAndDifferent) {
  const std::string a(32, 'a');
  const std::string b(32, 'b');
  for (const std::string& good : {std::string(), a, a + "," + b, b + ", " + a}) {
    EXPECT_EQ(load_settings({.environment = {{"GESSO_ENCRYPTION_KEYS", good}}})
                  .values.encryption_keys.reveal(),
              good);
  }
  for (const std::string& bad : {a.substr(1), a + ",short", a + "," + a}) {
    const std::string message = refusal({.environment = {{"GESSO_ENCRYPTION_KEYS", bad}}});
    EXPECT_THAT(message, HasSubstr("keys of at least 32 bytes"));
    EXPECT_THAT(message, Not(HasSubstr(bad)));
  }
}

TEST(SettingsTest, SecretsOfReplicateAreCheckedAndSeveral) {
  const LoadedSettings loaded =
      load_settings({.environment = {{"GESSO_REPLICATE_WEBHOOK_SECRETS",
                                      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, whsec_AAAA"}}});
  const auto secrets = list_of<Secret>(loaded.values.replicate_webhook_secrets.reveal());
  ASSERT_EQ(secrets.size(), 2U);
  EXPECT_EQ(secrets[1].reveal(), "whsec_AAAA");
  const std::string message =
      refusal({.environment = {{"GESSO_REPLICATE_WEBHOOK_SECRETS", "whsec_AAAA,hunter2"}}});
  EXPECT_THAT(message, HasSubstr("whsec_ and base64, comma-separated"));
  EXPECT_THAT(message, Not(HasSubstr("hunter2")));
}

TEST(SettingsTest, DefaultsPassTheirOwnChecks) {
  const Settings defaults;
  for (const Setting& setting : setting_table()) {
    if (setting.is_secret() || show(defaults, setting) == "(not set)") continue;
    EXPECT_NO_THROW(
        (void)load_settings({.flags = {{std::string(setting.key), show(defaults, setting)}}}))
        << setting.key;
  }
}

TEST(AddressTest, IsAHostAndAPort) {
  EXPECT_EQ(parse_address("127.0.0.1:8080"), (Address{"127.0.0.1", 8080}));
  EXPECT_EQ(parse_address("[::1]:0"), (Address{"::1", 0}));
  EXPECT_EQ(parse_address(":80"), (Address{"", 80}));
  for (const char* text : {"", "8080", "a:b", "a:65536", "a:-1", "::1:80", "http://a:80", "a:1 "}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(DurationTest, HasAUnit) {
  EXPECT_EQ(parse_duration("90s"), 90s);
  EXPECT_EQ(parse_duration("0ms"), 0ms);
  for (const char* text : {"", "5", "s", "-1s", "1.5s", "1 s", "99999999999999999h"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(SettingsTest, TakesForStrictTransportWhatTheFieldMayHold) {
  for (const char* good : {"", "max-age=0", "max-age=63072000; includeSubDomains; preload",
                           "includesubdomains;MAX-AGE=5"}) {
    EXPECT_EQ(load_settings({.flags = {{"strict_transport", good}}}).values.strict_transport, good);
  }
  for (const char* bad : {"yes", "includeSubDomains", "max-age=", "max-age=1y", "max-age=1; a=b",
                          "max-age=1; max-age=2"}) {
    EXPECT_THAT(refusal({.flags = {{"strict_transport", bad}}}), HasSubstr("max-age=SECONDS"))
        << bad;
  }
}

}  // namespace
}  // namespace gesso::cli
