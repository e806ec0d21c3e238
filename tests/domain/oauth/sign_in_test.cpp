#include "gesso/domain/oauth/sign_in.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/base/error.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/domain/oauth/fake_provider.hpp"

namespace gesso::domain::oauth {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kRedirect = "https://gesso.example/api/v1/auth/oauth/google/callback";
constexpr const char* kMetadata = "/.well-known/openid-configuration";
constexpr const char* kTenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";

Secret secret() { return Secret(std::string_view("hunter2")); }
Secret root() { return Secret(std::string(32, 'k')); }

struct World {
  FakeProvider provider;
  testing::FakeClock clock;
  testing::SeededRandom random{1};
  ProviderKind kind = ProviderKind::kGoogle;
  std::unique_ptr<SignIn> sign_in;

  virtual ~World() = default;
  explicit World(Provider of, Secret key = root()) : kind(of.kind) {
    std::vector<Provider> providers;
    providers.push_back(std::move(of));
    sign_in = std::make_unique<SignIn>(std::move(providers), key, provider, clock, random);
  }

  SignIn::Begun begin() { return sign_in->begin(kind, kRedirect, {}); }
  Outcome finish(const Callback& callback, std::optional<std::string_view> cookie) {
    return sign_in->finish(kind, callback, cookie, {});
  }
  Outcome all() {
    const auto begun = begin();
    return finish(provider.agree(begun.url), begun.cookie);
  }
  Profile profile() {
    const Outcome outcome = all();
    if (const auto* refusal = std::get_if<Refusal>(&outcome)) {
      ADD_FAILURE() << describe(refusal->reason) << ": " << refusal->detail;
      return {};
    }
    return std::get<Profile>(outcome);
  }
};

RefusalReason reason_of(const Outcome& outcome) {
  if (std::holds_alternative<Profile>(outcome)) {
    ADD_FAILURE() << "expected a refusal";
    return RefusalReason::kCancelled;
  }
  return std::get<Refusal>(outcome).reason;
}

Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "expected an Error";
  return {ErrorKind::kInternal, "none was thrown"};
}

struct WithGoogle : World {
  explicit WithGoogle(std::string domain = {})
      : World(google("our-client", secret(), std::move(domain))) {
    provider.claims = {{"email", "ada@gmail.com"}, {"email_verified", true}, {"name", "Ada"}};
  }
};

struct WithMicrosoft : World {
  explicit WithMicrosoft(std::string_view tenant = "common")
      : World(microsoft("our-client", secret(), tenant)) {
    provider.base = "https://login.microsoftonline.com";
    provider.issuer = std::string("https://login.microsoftonline.com/") + kTenant + "/v2.0";
    provider.metadata_extra = {{"issuer", microsoft("", Secret(), tenant).issuer}};
    provider.claims = {{"email", "ada@contoso.example"}, {"tid", kTenant}};
  }
};

struct WithGithub : World {
  WithGithub() : World(github("our-client", secret())) { provider.github = true; }
};

TEST(Begin, SendsTheBrowserToTheProviderWithPkceStateAndNonce) {
  WithGoogle world;
  const auto begun = world.begin();
  EXPECT_THAT(begun.url, StartsWith("https://accounts.google.com/authorize?"));
  auto query = query_of(begun.url);
  EXPECT_EQ(query["response_type"], "code");
  EXPECT_EQ(query["client_id"], "our-client");
  EXPECT_EQ(query["redirect_uri"], kRedirect);
  EXPECT_EQ(query["scope"], "openid email profile");
  EXPECT_EQ(query["code_challenge_method"], "S256");
  EXPECT_EQ(query["code_challenge"].size(), 43U);
  EXPECT_EQ(query["state"].size(), 43U) << "256 bits in base64url";
  EXPECT_EQ(query["nonce"].size(), 43U);
  EXPECT_THAT(begun.url, Not(HasSubstr("hunter2")));
  EXPECT_LT(begun.cookie.size(), 1024U);
  const auto another = world.begin();
  EXPECT_NE(query_of(another.url)["state"], query["state"]);
  EXPECT_NE(query_of(another.url)["nonce"], query["nonce"]);
  EXPECT_NE(query_of(another.url)["code_challenge"], query["code_challenge"]);
}

TEST(Begin, AsksForTheMetadataOnceAnHour) {
  WithGoogle world;
  for (int i = 0; i < 5; ++i) (void)world.begin();
  EXPECT_EQ(world.provider.asked(kMetadata), 1U);
  world.clock.advance(1h);
  (void)world.begin();
  EXPECT_EQ(world.provider.asked(kMetadata), 2U);
  // Where the provider does not answer, what is known serves for a day.
  world.provider.instead[kMetadata] = {404, ""};
  world.clock.advance(2h);
  EXPECT_NO_THROW((void)world.begin());
  world.clock.advance(22h);
  EXPECT_EQ(error_of([&] { (void)world.begin(); }).kind(), ErrorKind::kUnavailable);
}

TEST(Begin, RefusesMetadataOfAnotherIssuer) {
  WithGoogle world;
  world.provider.metadata_extra = {{"issuer", "https://evil.example"}};
  EXPECT_THAT(error_of([&] { (void)world.begin(); }).what(), HasSubstr("another issuer"));
  world.provider.metadata_extra = {{"token_endpoint", "http://accounts.google.com/token"}};
  EXPECT_THAT(error_of([&] { (void)world.begin(); }).what(), HasSubstr("https"));
  world.provider.instead[kMetadata] = {200, "<html>"};
  EXPECT_EQ(error_of([&] { (void)world.begin(); }).kind(), ErrorKind::kInternal);
}

TEST(Begin, RefusesAProviderThatIsNotSetUp) {
  WithGoogle world;
  EXPECT_TRUE(world.sign_in->offers(ProviderKind::kGoogle));
  EXPECT_FALSE(world.sign_in->offers(ProviderKind::kGithub));
  EXPECT_EQ(
      error_of([&] { (void)world.sign_in->begin(ProviderKind::kGithub, kRedirect, {}); }).kind(),
      ErrorKind::kValidation);
}

TEST(Google, SaysWhoSignedIn) {
  WithGoogle world;
  const Profile profile = world.profile();
  EXPECT_EQ(profile.provider, ProviderKind::kGoogle);
  EXPECT_EQ(profile.issuer, "https://accounts.google.com");
  EXPECT_EQ(profile.subject, "person-1");
  EXPECT_EQ(profile.email, "ada@gmail.com");
  EXPECT_TRUE(profile.email_verified);
  EXPECT_EQ(profile.name, "Ada");
}

TEST(Google, VouchesForItsOwnAddressesAndThoseOfWorkspaceAlone) {
  const auto verified = [](json::object claims) {
    WithGoogle world;
    world.provider.claims = std::move(claims);
    return world.profile().email_verified;
  };
  EXPECT_TRUE(verified({{"email", "Ada@GMail.com"}, {"email_verified", true}}));
  EXPECT_TRUE(
      verified({{"email", "a@b.example"}, {"email_verified", "true"}, {"hd", "b.example"}}));
  EXPECT_FALSE(verified({{"email", "ada@gmail.com"}, {"email_verified", false}}));
  EXPECT_FALSE(verified({{"email", "ada@gmail.com"}}));
  EXPECT_FALSE(verified({{"email", "ada@example.com"}, {"email_verified", true}}))
      << "verified once, and perhaps another's since";
  EXPECT_FALSE(verified({{"email", "ada@evilgmail.com"}, {"email_verified", true}}));
  EXPECT_FALSE(verified({{"email_verified", true}}));
}

TEST(Google, KeepsToOneDomainWhereItIsTold) {
  WithGoogle world("example.com");
  EXPECT_EQ(query_of(world.begin().url)["hd"], "example.com");
  EXPECT_EQ(reason_of(world.all()), RefusalReason::kProvider);
  world.provider.claims["hd"] = "example.com";
  EXPECT_EQ(world.profile().subject, "person-1");
}

TEST(Microsoft, NamesTheTenantInTheIssuer) {
  WithMicrosoft world;
  EXPECT_EQ(world.profile().issuer,
            std::string("https://login.microsoftonline.com/") + kTenant + "/v2.0");
  world.provider.claims["tid"] = "00000000-1111-2222-3333-444444444444";
  EXPECT_EQ(reason_of(world.all()), RefusalReason::kProvider);
}

TEST(Microsoft, KeepsPeopleOfTwoTenantsApart) {
  WithMicrosoft world;
  EXPECT_EQ(account_key(world.profile()), std::string(kTenant) + ":person-1");
  EXPECT_EQ(account_key(WithGoogle().profile()), "person-1");
  EXPECT_EQ(account_key(WithGithub().profile()), "583231");
}

TEST(Microsoft, VouchesForNoAddressUnlessItsDomainsOwnerDoes) {
  for (const json::value& said :
       {json::value(true), json::value("1"), json::value("true"), json::value(1)}) {
    WithMicrosoft world;
    world.provider.claims["xms_edov"] = said;
    EXPECT_TRUE(world.profile().email_verified) << json::serialize(said);
  }
  for (const json::value& said : {json::value(false), json::value("0"), json::value(nullptr),
                                  json::value(json::array{true})}) {
    WithMicrosoft world;
    world.provider.claims["xms_edov"] = said;
    EXPECT_FALSE(world.profile().email_verified) << json::serialize(said);
  }
  WithMicrosoft world;
  world.provider.claims["email_verified"] = true;
  const Profile profile = world.profile();
  EXPECT_EQ(profile.email, "ada@contoso.example");
  EXPECT_FALSE(profile.email_verified) << "anybody may write any address there";
}

TEST(Microsoft, TakesTenantsByTheirIds) {
  EXPECT_EQ(microsoft("", Secret(), "common").issuer,
            "https://login.microsoftonline.com/{tenantid}/v2.0");
  EXPECT_EQ(microsoft("", Secret(), "consumers").issuer,
            "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0");
  EXPECT_EQ(microsoft("", Secret(), "72F988BF-86F1-41AF-91AB-2D7CD011DB47").issuer,
            std::string("https://login.microsoftonline.com/") + kTenant + "/v2.0");
  for (const char* tenant : {"", "contoso.onmicrosoft.com", "../common", "common/"}) {
    EXPECT_EQ(error_of([&] { (void)microsoft("", Secret(), tenant); }).kind(),
              ErrorKind::kValidation)
        << tenant;
  }
}

TEST(Github, SaysWhoSignedIn) {
  WithGithub world;
  auto query = query_of(world.begin().url);
  EXPECT_EQ(query["scope"], "read:user user:email");
  EXPECT_FALSE(query.contains("nonce"));
  const Profile profile = world.profile();
  EXPECT_EQ(profile.issuer, "https://github.com");
  EXPECT_EQ(profile.subject, "583231");
  EXPECT_EQ(profile.email, "octocat@example.com");
  EXPECT_TRUE(profile.email_verified);
  EXPECT_EQ(profile.name, "The Octocat");
  world.provider.user = R"({"id":583231,"login":"octocat","name":null,"email":"fake@example.com"})";
  EXPECT_EQ(world.profile().name, "octocat");
  EXPECT_EQ(world.profile().email, "octocat@example.com") << "not the one that is shown";
}

TEST(Github, GivesNoAddressThatIsNotPrimaryAndVerified) {
  for (const char* emails : {"[]", R"([{"email":"a@b.example","primary":true,"verified":false}])",
                             R"([{"email":"a@b.example","primary":false,"verified":true}])",
                             R"([{"email":null,"primary":true,"verified":true},1,null])",
                             R"([{"email":"a@b.example","primary":"true","verified":true}])"}) {
    WithGithub world;
    world.provider.emails = emails;
    const Profile profile = world.profile();
    EXPECT_EQ(profile.email, "") << emails;
    EXPECT_FALSE(profile.email_verified);
  }
}

TEST(Github, IsNotBelievedWhereItNamesNobody) {
  for (const char* user :
       {"", "[]", "{}", R"({"id":"583231"})", R"({"id":0})", R"({"id":-1})", R"({"id":1.5})"}) {
    WithGithub world;
    world.provider.user = user;
    EXPECT_EQ(reason_of(world.all()), RefusalReason::kProvider) << user;
  }
  WithGithub world;
  world.provider.instead["/user/emails"] = {403, "{}"};
  EXPECT_EQ(reason_of(world.all()), RefusalReason::kProvider);
}

TEST(Finish, TakesACodeOnce) {
  for (const bool is_github : {false, true}) {
    std::unique_ptr<World> world;
    if (is_github) {
      world = std::make_unique<WithGithub>();  // its errors come with status 200
    } else {
      world = std::make_unique<WithGoogle>();
    }
    const auto begun = world->begin();
    const Callback callback = world->provider.agree(begun.url);
    EXPECT_TRUE(std::holds_alternative<Profile>(world->finish(callback, begun.cookie)));
    EXPECT_EQ(reason_of(world->finish(callback, begun.cookie)), RefusalReason::kCode) << is_github;
  }
}

TEST(Finish, AsksWhetherTheAttemptWasUsedBeforeTheCodeIsSent) {
  World world(google("our-client", secret()));
  const auto begun = world.sign_in->begin(ProviderKind::kGoogle, kRedirect, {}, "ada at home");
  const Callback callback = world.provider.agree(begun.url);
  std::string asked;
  const auto finish = [&](const Callback& with, bool first) {
    return world.sign_in->finish(ProviderKind::kGoogle, with, begun.cookie, {},
                                 [&](const Attempt& attempt) {
                                   asked = attempt.state;
                                   return first;
                                 });
  };
  Callback another = callback;
  another.state = "another";
  EXPECT_EQ(reason_of(finish(another, true)), RefusalReason::kNotBegun);
  EXPECT_EQ(asked, "") << "only once the callback belongs to the attempt";
  EXPECT_EQ(reason_of(finish(callback, false)), RefusalReason::kNotBegun);
  EXPECT_EQ(asked, callback.state);
  const Outcome outcome = finish(callback, true);  // the code is good still
  EXPECT_EQ(std::get<Profile>(outcome).begun_for, "ada at home");
}

TEST(Finish, NeedsTheCookieOfItsAttempt) {
  WithGoogle world;
  const auto mine = world.begin();
  const auto another = world.begin();
  const Callback callback = world.provider.agree(mine.url);
  EXPECT_EQ(reason_of(world.finish(callback, std::nullopt)), RefusalReason::kNotBegun);
  EXPECT_EQ(reason_of(world.finish(callback, "")), RefusalReason::kNotBegun);
  EXPECT_EQ(reason_of(world.finish(callback, another.cookie)), RefusalReason::kNotBegun)
      << "somebody else's callback in this browser";
  std::string changed = mine.cookie;
  changed[20] = changed[20] == 'A' ? 'B' : 'A';
  EXPECT_EQ(reason_of(world.finish(callback, changed)), RefusalReason::kNotBegun);
  Callback without = callback;
  without.state.reset();
  EXPECT_EQ(reason_of(world.finish(without, mine.cookie)), RefusalReason::kNotBegun);
  EXPECT_EQ(world.provider.asked("/token"), 0U) << "no code was sent anywhere";
  EXPECT_TRUE(std::holds_alternative<Profile>(world.finish(callback, mine.cookie)));
}

TEST(Finish, EndsAnAttemptAfterTenMinutes) {
  WithGoogle world;
  const auto begun = world.begin();
  const Callback callback = world.provider.agree(begun.url);
  world.clock.advance(10min);
  EXPECT_EQ(reason_of(world.finish(callback, begun.cookie)), RefusalReason::kNotBegun);
  const auto again = world.begin();
  const Callback second = world.provider.agree(again.url);
  world.clock.advance(10min - 1ms);
  world.provider.now = world.clock.now();
  EXPECT_TRUE(std::holds_alternative<Profile>(world.finish(second, again.cookie)));
}

TEST(Finish, ByAnotherInstanceWithTheSameKeyAlone) {
  WithGoogle world;
  const auto begun = world.begin();
  const Callback callback = world.provider.agree(begun.url);
  const auto instance = [&](Secret key) {
    std::vector<Provider> providers;
    providers.push_back(google("our-client", secret()));
    return SignIn(std::move(providers), key, world.provider, world.clock, world.random)
        .finish(ProviderKind::kGoogle, callback, begun.cookie, {});
  };
  EXPECT_EQ(reason_of(instance(Secret(std::string(32, 'x')))), RefusalReason::kNotBegun);
  EXPECT_TRUE(std::holds_alternative<Profile>(instance(root())));
}

TEST(Finish, IsNotFooledIntoAnotherProvider) {
  FakeProvider fake;
  testing::FakeClock clock;
  testing::SeededRandom random{1};
  std::vector<Provider> providers;
  providers.push_back(google("our-client", secret()));
  providers.push_back(github("our-client", secret()));
  SignIn sign_in(std::move(providers), root(), fake, clock, random);
  const auto begun = sign_in.begin(ProviderKind::kGithub, kRedirect, {});
  const Callback callback = fake.agree(begun.url);
  EXPECT_EQ(reason_of(sign_in.finish(ProviderKind::kGoogle, callback, begun.cookie, {})),
            RefusalReason::kNotBegun);
}

// RFC 9207.
TEST(Finish, ComparesTheIssuerOfTheCallback) {
  WithGoogle world;
  const auto begun = world.begin();
  Callback callback = world.provider.agree(begun.url);
  callback.issuer = "https://evil.example";
  EXPECT_EQ(reason_of(world.finish(callback, begun.cookie)), RefusalReason::kProvider);
  callback.issuer = "https://accounts.google.com";
  EXPECT_TRUE(std::holds_alternative<Profile>(world.finish(callback, begun.cookie)));

  WithGoogle strict;
  strict.provider.metadata_extra = {{"authorization_response_iss_parameter_supported", true}};
  EXPECT_EQ(reason_of(strict.all()), RefusalReason::kProvider) << "promised, and not there";
  strict.provider.callback_issuer = "https://accounts.google.com";
  EXPECT_EQ(strict.profile().subject, "person-1");
}

TEST(Finish, SaysWhatTheProviderRefused) {
  WithGoogle world;
  const auto begun = world.begin();
  Callback callback{.state = query_of(begun.url)["state"], .error = "access_denied"};
  EXPECT_EQ(reason_of(world.finish(callback, begun.cookie)), RefusalReason::kCancelled);
  callback.error = "<script>\n";
  const Outcome outcome = world.finish(callback, begun.cookie);
  EXPECT_EQ(reason_of(outcome), RefusalReason::kProvider);
  EXPECT_EQ(std::get<Refusal>(outcome).detail, "an error without a name");
  callback.error.reset();
  EXPECT_EQ(reason_of(world.finish(callback, begun.cookie)), RefusalReason::kProvider) << "no code";
}

TEST(Finish, ProvesThatItBeganTheAttempt) {
  WithGoogle world;
  const auto mine = world.begin();
  const auto another = world.begin();
  // A code that was made for another attempt, in this one's callback.
  Callback injected = world.provider.agree(another.url);
  injected.state = query_of(mine.url)["state"];
  EXPECT_EQ(reason_of(world.finish(injected, mine.cookie)), RefusalReason::kCode)
      << "PKCE's verifier is not that code's";
}

TEST(Finish, DoesNotBelieveATokenForAnotherAttemptOrClient) {
  for (const auto& [name, value] :
       {std::pair{"nonce", json::value("another")}, std::pair{"aud", json::value("another-client")},
        std::pair{"iss", json::value("https://evil.example")},
        std::pair{"exp", json::value(1'769'860'000)}}) {
    WithGoogle world;
    world.provider.claims[name] = value;
    EXPECT_EQ(reason_of(world.all()), RefusalReason::kProvider) << name;
  }
}

TEST(Finish, FetchesKeysAnewForAnUnknownOneAtMostOnceAMinute) {
  WithGoogle world;
  (void)world.profile();
  (void)world.profile();
  EXPECT_EQ(world.provider.asked("/jwks"), 1U);
  // The provider has a new key, which is known once the minute is over.
  world.provider.signer = &Signer::second();
  world.provider.keys.push_back(Signer::second().jwk());
  EXPECT_EQ(reason_of(world.all()), RefusalReason::kProvider);
  EXPECT_EQ(world.provider.asked("/jwks"), 1U);
  world.clock.advance(1min);
  EXPECT_EQ(world.profile().subject, "person-1");
  EXPECT_EQ(world.provider.asked("/jwks"), 2U);
  // A key that nobody has does not make us ask each time.
  world.provider.claims["sub"] = "person-2";
  const Signer third("third");
  world.provider.signer = &third;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(reason_of(world.all()), RefusalReason::kProvider);
  EXPECT_EQ(world.provider.asked("/jwks"), 2U);
  world.clock.advance(1min);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(reason_of(world.all()), RefusalReason::kProvider);
  EXPECT_EQ(world.provider.asked("/jwks"), 3U);
}

TEST(Finish, TrustsNoKeyThatTheProviderWithdrew) {
  WithGoogle world;
  (void)world.profile();
  world.provider.keys = {Signer::second().jwk()};
  world.clock.advance(1h);
  world.provider.now = world.clock.now();
  EXPECT_EQ(reason_of(world.all()), RefusalReason::kProvider);
}

TEST(Finish, ThrowsWhereNobodyIsToBlameButUsOrTheProvider) {
  WithGoogle world;
  world.provider.client_secret = "another";
  const Error ours = error_of([&] { (void)world.all(); });
  EXPECT_EQ(ours.kind(), ErrorKind::kAuth);
  EXPECT_THAT(ours.what(), HasSubstr("invalid_client"));
  EXPECT_THAT(ours.what(), Not(HasSubstr("hunter2")));
  world.provider.client_secret = "hunter2";
  world.provider.instead["/token"] = {503, ""};
  EXPECT_EQ(error_of([&] { (void)world.all(); }).kind(), ErrorKind::kUnavailable);
  EXPECT_EQ(world.provider.asked("/token"), 2U) << "an exchange is never repeated";
  world.provider.instead["/token"] = {429, ""};
  EXPECT_EQ(error_of([&] { (void)world.all(); }).kind(), ErrorKind::kThrottled);

  WithGithub github;
  github.provider.client_secret = "another";
  EXPECT_EQ(error_of([&] { (void)github.all(); }).kind(), ErrorKind::kAuth);
}

TEST(Finish, RefusesATokenReplyThatIsNone) {
  for (const char* body : {"", "[]", "{}", R"({"id_token":7})", R"({"id_token":"a.b.c"})"}) {
    WithGoogle world;
    world.provider.instead["/token"] = {200, body};
    EXPECT_EQ(reason_of(world.all()), RefusalReason::kProvider) << body;
  }
  for (const char* body : {"access_token=form", R"({"access_token":"x"})",
                           R"({"access_token":"x","token_type":"mac"})"}) {
    WithGithub world;
    world.provider.instead["/login/oauth/access_token"] = {200, body};
    EXPECT_EQ(reason_of(world.all()), RefusalReason::kProvider) << body;
  }
}

TEST(Provider, MayBeAtAnotherAddress) {
  const Provider enterprise = github("id", Secret(), "https://git.example.com");
  EXPECT_EQ(enterprise.authorize_url, "https://git.example.com/login/oauth/authorize");
  EXPECT_EQ(enterprise.emails_url, "https://git.example.com/api/v3/user/emails");
  EXPECT_EQ(enterprise.issuer, "https://git.example.com");
  EXPECT_EQ(enterprise.origins, std::vector<std::string>{"https://git.example.com"});
  const Provider local = google("id", Secret(), "", "http://127.0.0.1:3000");
  EXPECT_EQ(local.metadata_url, "http://127.0.0.1:3000/.well-known/openid-configuration");
  EXPECT_EQ(local.issuer, "http://127.0.0.1:3000");
  EXPECT_EQ(local.legacy_issuer, "");
  const Provider china =
      microsoft("id", Secret(), "organizations", "https://login.partner.microsoftonline.cn");
  EXPECT_EQ(china.issuer, "https://login.partner.microsoftonline.cn/{tenantid}/v2.0");
  for (const char* url : {"http://example.com", "example.com", "", "https://example.com/"}) {
    EXPECT_EQ(error_of([&] { (void)google("id", Secret(), "", url); }).kind(),
              ErrorKind::kValidation);
    EXPECT_EQ(error_of([&] { (void)github("id", Secret(), url); }).kind(), ErrorKind::kValidation);
  }
}

TEST(Provider, HasAName) {
  for (const auto kind : {ProviderKind::kGoogle, ProviderKind::kMicrosoft, ProviderKind::kGithub}) {
    EXPECT_EQ(provider_named(to_string(kind)), kind);
    EXPECT_EQ(wire_texts(kind)[static_cast<std::size_t>(kind)], to_string(kind));
  }
  EXPECT_EQ(provider_named("GitHub"), std::nullopt);
}

}  // namespace
}  // namespace gesso::domain::oauth
