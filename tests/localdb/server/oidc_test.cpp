// Logging in by an access token: MONGODB-OIDC as Azure DocumentDB's gateway takes it.
#include <fstream>
#include <functional>

#include "gesso/base/clock.hpp"
#include "gesso/base/error.hpp"
#include "gesso/testing/token_signer.hpp"
#include "tests/localdb/server/server_fixture.hpp"

namespace gesso::localdb {
namespace {

using namespace std::chrono_literals;
using bson::make_document;
using gesso::testing::TokenSigner;
namespace json = boost::json;

constexpr const char* kIssuer = "https://sts.windows.net/tenant/";
constexpr const char* kAudience = "https://ossrdbms-aad.database.windows.net";

bson::Binary as_binary(const std::string& text) {
  return {.subtype = 0, .bytes = {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}};
}

class OidcTest : public ServerTest {
 protected:
  OidcTest() { begin({}); }

  void begin(ServerOptions options, const std::string& jwks = TokenSigner::first().jwks()) {
    std::ofstream(folder_ / "jwks.json") << jwks;
    options.oidc_issuer = kIssuer;
    options.oidc_jwks_file = folder_ / "jwks.json";
    start(std::move(options));
  }

  static std::int64_t now() {
    return std::chrono::floor<std::chrono::seconds>(SystemClock().now()).time_since_epoch() / 1s;
  }
  static json::object claims() {
    return {{"iss", kIssuer}, {"aud", kAudience}, {"oid", "principal-1"}, {"exp", now() + 3600}};
  }
  static json::object with(std::string_view name, json::value value) {
    json::object all = claims();
    all[name] = std::move(value);
    return all;
  }
  static bson::Document start_of(bson::View payload) {
    return make_document("saslStart", 1, "mechanism", "MONGODB-OIDC", "payload",
                         bson::Binary{.subtype = 0, .bytes = {payload.data(), payload.size()}});
  }
  static bson::Document log_in(TestClient& client, const std::string& token) {
    return client.run(start_of(make_document("jwt", token)), "$external");
  }
  static bson::Document log_in(TestClient& client, const json::object& all) {
    return log_in(client, TokenSigner::first().token(all));
  }
};

TEST_F(OidcTest, ATokenLogsInWithOneStep) {
  TestClient in = client();
  EXPECT_EQ(code_of(in.run(R"({"find": "c"})")), 13);
  const bson::Document reply = log_in(in, claims());
  ASSERT_TRUE(is_ok(reply)) << json(reply);
  EXPECT_TRUE(reply["done"].as_bool());
  EXPECT_EQ(reply["payload"].as_binary().bytes.size(), 0U);
  EXPECT_EQ(reply["conversationId"].integer(), 1);
  EXPECT_TRUE(is_ok(in.run(R"({"insert": "c", "documents": [{}]})")));
  const bson::Document list = in.run(R"({"listDatabases": 1, "nameOnly": true})", "admin");
  EXPECT_EQ(list["databases"].as_document().count(), 1U) << json(list);
  const bson::Document status = in.run(R"({"connectionStatus": 1})", "admin");
  EXPECT_EQ(status.view().at_path("authInfo.authenticatedUsers.0.user").as_string(), "principal-1");
  EXPECT_EQ(status.view().at_path("authInfo.authenticatedUsers.0.db").as_string(), "$external");
  EXPECT_TRUE(is_ok(in.run(R"({"logout": 1})", "$external")));
  EXPECT_EQ(code_of(in.run(R"({"find": "c"})")), 13);
}

TEST_F(OidcTest, TheHandshakeMayBringTheToken) {
  TestClient in = client();
  bson::Builder hello;
  hello.append("hello", 1);
  {
    const auto proposal = hello.document("speculativeAuthenticate");
    hello.append_all(start_of(make_document("jwt", TokenSigner::first().token(claims()))));
    hello.append("db", "$external");
  }
  const bson::Document reply = in.run(hello.finish(), "admin");
  EXPECT_TRUE(reply.view().at_path("speculativeAuthenticate.done").as_bool()) << json(reply);
  EXPECT_TRUE(is_ok(in.run(R"({"find": "c"})")));
}

TEST_F(OidcTest, TokensOfEs256AreTakenToo) {
  const TokenSigner signer = TokenSigner::es256("curve");
  begin({}, signer.jwks());
  TestClient in = client();
  EXPECT_TRUE(is_ok(log_in(in, signer.token(claims()))));
  EXPECT_EQ(code_of(log_in(in, claims())), 13) << "of a key that is not in the set";
}

struct RefusedToken {
  const char* why;
  std::function<std::string()> token;
  int code;
  const char* text;
};

TEST_F(OidcTest, RefusesByTheGatewaysTexts) {
  const TokenSigner& signer = TokenSigner::first();
  const auto sign = [&](const json::object& all) { return signer.token(all); };
  const std::string good = sign(claims());
  const std::size_t dot = good.rfind('.');
  const TokenSigner stranger("first");
  const std::vector<RefusedToken> table = {
      {"no token", [] { return "abc"; }, 13, "Invalid JWT token format."},
      {"no base64", [&] { return "!" + good; }, 13, "Invalid JWT token encoding."},
      {"no oid", [&] { return sign(with("oid", nullptr)); }, 13, "Token does not contain OID."},
      {"another audience", [&] { return sign(with("aud", "https://vault.azure.net")); }, 13,
       "Invalid audience claim."},
      {"a slash at its end",
       [&] { return sign(with("aud", "https://ossrdbms-aad.database.windows.net/")); }, 13,
       "Invalid audience claim."},
      {"two audiences",
       [&] {
         return sign(with("aud", json::array{kAudience, "other"}));
       },
       13, "Invalid audience claim."},
      {"another issuer", [&] { return sign(with("iss", "https://sts.windows.net/other/")); }, 13,
       "Token validation failed"},
      {"not yet", [&] { return sign(with("nbf", now() + 600)); }, 13, "Token validation failed"},
      {"no end",
       [&] {
         json::object all = claims();
         all.erase("exp");
         return sign(all);
       },
       13, "Token validation failed"},
      {"a key of that name that is not ours", [&] { return stranger.token(claims()); }, 13,
       "Token validation failed"},
      {"a signature of other claims",
       [&] {
         return sign(with("oid", "root")).substr(0, sign(with("oid", "root")).rfind('.')) +
                good.substr(dot);
       },
       13, "Token validation failed"},
      {"no signature",
       [&] {
         return signer.token(claims(), {{"alg", "none"}});
       },
       13, "Token validation failed"},
      {"an end of yesterday", [&] { return sign(with("exp", now() - 86'400)); }, 391,
       "Token has expired."},
  };
  for (const RefusedToken& refused : table) {
    TestClient in = client();
    const bson::Document reply = log_in(in, refused.token());
    EXPECT_EQ(code_of(reply), refused.code) << refused.why << json(reply);
    EXPECT_EQ(reply["errmsg"].as_string(), refused.text) << refused.why;
    EXPECT_EQ(code_of(in.run(R"({"find": "c"})")), 13) << refused.why;
  }
}

TEST_F(OidcTest, RefusesPayloadsThatBringNoToken) {
  TestClient in = client();
  const bson::Document none = in.run(start_of(make_document("n", "me")), "$external");
  EXPECT_EQ(none["errmsg"].as_string(), "JWT token missing from OIDC payload");
  const bson::Document garbage = in.run(
      make_document("saslStart", 1, "mechanism", "MONGODB-OIDC", "payload", as_binary("garbage")),
      "$external");
  EXPECT_EQ(code_of(garbage), 2);
  const bson::Document other = in.run(
      make_document("saslStart", 1, "mechanism", "PLAIN", "payload", as_binary("x")), "$external");
  EXPECT_EQ(other["errmsg"].as_string(),
            "Only SCRAM-SHA-256 and MONGODB-OIDC are supported, got: PLAIN");
}

TEST_F(OidcTest, ATokenIsGoodForItsSkewAndThenAnotherIsAskedFor) {
  begin({.oidc_clock_skew = 100s});
  TestClient in = client();
  EXPECT_TRUE(is_ok(log_in(in, with("exp", now() - 50))));
  EXPECT_TRUE(is_ok(in.run(R"({"find": "c"})")));
  EXPECT_EQ(code_of(log_in(in, with("exp", now() - 150))), 391);
  EXPECT_EQ(code_of(in.run(R"({"find": "c"})")), 13) << "a log-in that fails ends the one before";
}

TEST_F(OidcTest, WhenATokenEndsTheConnectionStandsAndMayLogInAnew) {
  begin({.oidc_clock_skew = 0s});
  TestClient in = client();
  ASSERT_TRUE(is_ok(log_in(in, with("exp", now() + 2))));
  EXPECT_TRUE(is_ok(in.run(R"({"find": "c"})")));
  bson::Document reply;
  const auto begun = std::chrono::steady_clock::now();
  do {
    reply = in.run(R"({"find": "c"})");
  } while (is_ok(reply) && std::chrono::steady_clock::now() - begun < 20s);
  EXPECT_EQ(code_of(reply), 391);
  EXPECT_EQ(reply["codeName"].as_string(), "ReauthenticationRequired");
  EXPECT_TRUE(is_ok(in.run(R"({"ping": 1})")));
  EXPECT_TRUE(is_ok(log_in(in, claims())));
  EXPECT_TRUE(is_ok(in.run(R"({"find": "c"})")));
}

TEST_F(OidcTest, WithoutAnIssuerNobodyLogsInByAToken) {
  start({.require_auth = true});
  TestClient in = client();
  EXPECT_EQ(code_of(log_in(in, claims())), 334);
}

TEST_F(OidcTest, AKeySetOfNoUseIsSaidAtTheStart) {
  for (const char* text : {"", "{}", R"({"keys": []})"}) {
    try {
      begin({}, text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kValidation);
      EXPECT_NE(std::string(error.what()).find("jwks.json"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace gesso::localdb
