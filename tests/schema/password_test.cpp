#include "gesso/schema/password.hpp"

#include <gtest/gtest.h>

#include "gesso/schema/codec.hpp"
#include "gesso/schema/json.hpp"
#include "tests/schema/account.hpp"

namespace gesso::schema::testing {

struct SignUp {
  Password password;
  std::optional<Password> repeated = {};
};
BOOST_DESCRIBE_STRUCT(SignUp, (), (password, repeated))

struct Bare {
  std::string name;
  PasswordHash hash;
};
BOOST_DESCRIBE_STRUCT(Bare, (), (name, hash))

namespace {

// The types forbid it: a hash is stored and never shown, a password is neither.
static_assert(InBson<PasswordHash> && !InJson<PasswordHash>);
static_assert(InBson<std::optional<PasswordHash>> && !InJson<std::optional<PasswordHash>>);
static_assert(!InJson<std::vector<PasswordHash>>);
static_assert(!InBson<Password> && !InJson<Password>);
static_assert(!InBson<std::optional<Password>> && !InJson<std::optional<Password>>);
static_assert(!InBson<SignUp>);  // what holds a password is not stored
template <class T>
concept HasBsonDocument = requires(const T& value) {
  to_bson(value);
};
static_assert(HasBsonDocument<Account> && !HasBsonDocument<SignUp>);
static_assert(!std::is_copy_constructible_v<Password>);
static_assert(!std::is_convertible_v<Password, std::string_view>);
static_assert(!std::is_convertible_v<PasswordHash, std::string_view>);

constexpr std::string_view kHash = "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234";

constexpr std::string_view kHmacHash =
    "$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2";

TEST(PasswordTest, Holds8To256Characters) {
  EXPECT_EQ(Password(std::string(8, 'x')).reveal(), "xxxxxxxx");
  EXPECT_EQ(Password(std::string(256, 'x')).reveal().size(), 256U);
  EXPECT_EQ(Password::check(std::string(7, 'x'))->type, "string_too_short");
  EXPECT_EQ(Password::check(std::string(7, 'x'))->message,
            "String should have at least 8 characters");
  EXPECT_EQ(Password::check(std::string(257, 'x'))->type, "string_too_long");
}

TEST(PasswordTest, CountsCharactersNotBytes) {
  std::string text;
  for (int i = 0; i < 7; ++i) text += "\xC3\xA9";  // 7 characters, 14 bytes
  EXPECT_EQ(Password::check(text)->type, "string_too_short");
  EXPECT_EQ(Password::check(text + "\xC3\xA9"), std::nullopt);
  EXPECT_EQ(Password::check("password\xFF")->type, "string_unicode");
}

TEST(PasswordTest, IsTakenExactlyAsItComes) {
  const std::string text("  pass\0word  ", 13);
  EXPECT_EQ(Password(text).reveal(), text);
}

TEST(PasswordTest, IsNeverNamedInAViolation) {
  for (const char* json :
       {R"({"password":"hunter2"})", R"({"password":9283746501})", R"({"password":{"hunter2":1}})",
        R"({"password":["hunter2"]})", R"({"pasword":"hunter2"})"}) {
    try {
      (void)from_json<SignUp>(json);
      ADD_FAILURE() << json;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("hunter2"), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).find("9283746501"), std::string::npos) << error.what();
    }
  }
}

TEST(PasswordHashTest, ReadsBcryptOnly) {
  EXPECT_EQ(PasswordHash(kHash).reveal(), kHash);
  EXPECT_EQ(PasswordHash(kHmacHash).reveal(), kHmacHash);
  for (const std::string_view text :
       {std::string_view("plain"), std::string_view(), kHash.substr(1), kHash.substr(0, 59),
        kHmacHash.substr(0, kHmacHash.size() - 1), kHmacHash.substr(1),
        std::string_view("$bcrypt-sha256$v=1,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$"
                         "Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2"),
        std::string_view("$bcrypt-sha256$v=2,t=2b,r=1x$n79VH.0Q2TMWmt3Oqt9uku$"
                         "Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2"),
        std::string_view("$6$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ012345")}) {
    const std::optional<Violation> violation = PasswordHash::check(text);
    ASSERT_TRUE(violation) << text;
    EXPECT_EQ(violation->expected, "bcrypt hash");
    EXPECT_TRUE(text.empty() || violation->found.find(text) == std::string::npos);
  }
}

TEST(PasswordHashTest, GoesToBsonAndComesBack) {
  const Bare bare{.name = "Ann", .hash = PasswordHash(kHash)};
  const bson::Document stored = to_bson(bare);
  EXPECT_EQ(stored["hash"].as_string(), kHash);
  EXPECT_EQ(from_bson<Bare>(stored).hash, bare.hash);
}

TEST(PasswordHashTest, IsNotInTheJsonOfWhatHoldsIt) {
  EXPECT_EQ(to_json(Bare{.name = "Ann", .hash = PasswordHash(kHash)}), R"({"name":"Ann"})");
}

TEST(PasswordHashTest, IsNotTakenFromJsonEither) {
  try {
    (void)from_json<Bare>(R"({"name":"Ann","hash":"x"})");
    ADD_FAILURE();
  } catch (const Error& error) {
    ASSERT_EQ(error.violations().size(), 1U);
    EXPECT_EQ(error.violations()[0].type, "extra_forbidden");
  }
}

TEST(PasswordHashTest, IsCopiedAndLeavesNothingBehindWhenMoved) {
  PasswordHash hash(kHash);
  const PasswordHash copy = hash;
  EXPECT_EQ(copy, hash);
  const PasswordHash moved = std::move(hash);
  EXPECT_EQ(moved, copy);
  EXPECT_TRUE(hash.reveal().empty());  // NOLINT: what a moved-from secret holds is the question
}

}  // namespace
}  // namespace gesso::schema::testing
