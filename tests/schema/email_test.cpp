#include "gesso/schema/email.hpp"

#include <gtest/gtest.h>

namespace gesso::schema {
namespace {

struct Case {
  std::string text;
  std::string stored;  // "" where it is refused
  std::string reason = {};

  friend std::ostream& operator<<(std::ostream& out, const Case& test) { return out << test.text; }
};

std::string repeat(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

std::string domain_of(std::size_t size) {  // labels of 49 characters, then the rest
  std::string domain;
  while (domain.size() + 50 < size) domain += std::string(49, 'd') + ".";
  domain += std::string(size - domain.size(), 'e');
  return domain;
}

const std::vector<Case> kCases = {
    {"user@example.com", "user@example.com"},
    {"User@Example.COM", "user@example.com"},
    {"a@b.co", "a@b.co"},
    {"first.last+tag@sub.example.co.uk", "first.last+tag@sub.example.co.uk"},
    {"!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~@example.org"},
    {"1@2.example", "1@2.example"},
    {"x@xn--bcher-kva.example", "x@xn--bcher-kva.example"},
    {"x@3com.com", "x@3com.com"},
    {repeat("x", 64) + "@example.org", repeat("x", 64) + "@example.org"},
    {"x@" + repeat("d", 63) + ".org", "x@" + repeat("d", 63) + ".org"},
    {"x@" + domain_of(252), "x@" + domain_of(252)},
    {" user@example.org", "user@example.org"},
    {"\t user@example.org \r\n", "user@example.org"},
    {"  x@" + domain_of(252) + "  ", "x@" + domain_of(252)},

    {"", "", "must have an @-sign"},
    {"plain", "", "must have an @-sign"},
    {"@example.org", "", "something before the @-sign"},
    {"user@", "", "something after the @-sign"},
    {"a@b@example.org", "", "character before the @-sign"},
    {"us er@example.org", "", "character before the @-sign"},
    {"user@exam ple.org", "", "domain has a character"},
    {"user@ example.org", "", "domain has a character"},
    {"user @example.org", "", "character before the @-sign"},
    {"user@example.org\v", "", "domain has a character"},
    {"  ", "", "must have an @-sign"},
    {std::string("us\0er@example.org", 17), "", "character before the @-sign"},
    {".user@example.org", "", "start with a period"},
    {"user.@example.org", "", "period right before"},
    {"us..er@example.org", "", "two periods in a row"},
    {"\"quoted\"@example.org", "", "quoted part"},
    {"user(comment)@example.org", "", "character before the @-sign"},
    {"a,b@example.org", "", "character before the @-sign"},
    {"<a@example.org>", "", "character before the @-sign"},
    {"user@localhost", "", "should have a period"},
    {"user@example..org", "", "empty label"},
    {"user@.example.org", "", "empty label"},
    {"user@example.org.", "", "empty label"},
    {"user@-example.org", "", "hyphen"},
    {"user@example-.org", "", "hyphen"},
    {"user@exam_ple.org", "", "domain has a character"},
    {"user@[127.0.0.1]", "", "brackets"},
    {"user@127.0.0.1", "", "end in a number"},
    {"us\xC3\xA9r@example.org", "", "only ASCII"},
    {"user@b\xC3\xBC"
     "cher.example",
     "", "xn-- form"},
    {repeat("x", 65) + "@example.org", "", "more than 64 bytes"},
    {"x@" + repeat("d", 64) + ".org", "", "more than 63 bytes"},
    {"x@" + domain_of(253), "", "more than 254 bytes"},
};

class EmailTest : public ::testing::TestWithParam<Case> {};

TEST_P(EmailTest, IsAcceptedInLowerCaseOrRefusedWithTheRule) {
  const Case& test = GetParam();
  const std::optional<Email> email = Email::parse(test.text);
  if (test.reason.empty()) {
    ASSERT_TRUE(email) << test.text;
    EXPECT_EQ(email->str(), test.stored);
    EXPECT_EQ(Email(test.text), *email);
  } else {
    EXPECT_FALSE(email) << test.text;
    const std::optional<Violation> violation = Email::check(test.text);
    ASSERT_TRUE(violation);
    EXPECT_EQ(violation->type, "value_error");
    EXPECT_TRUE(violation->message.starts_with("value is not a valid email address: "));
    EXPECT_NE(violation->message.find(test.reason), std::string::npos) << violation->message;
    EXPECT_THROW(Email{test.text}, Error);
  }
}

INSTANTIATE_TEST_SUITE_P(Addresses, EmailTest, ::testing::ValuesIn(kCases));

TEST(EmailTest, IsTheSameInAnyCaseOfLetters) {
  EXPECT_EQ(Email("ANN@EXAMPLE.ORG"), Email("ann@example.org"));
}

TEST(EmailDomains, KnowsTheDomainsThatNoMailReaches) {
  for (const char* text : {"a@b.test", "a@b.invalid", "a@b.LOCALHOST", "a@b.c.local", "a@b.onion",
                           "a@1.in-addr.arpa"}) {
    EXPECT_TRUE(Email(text).has_special_use_domain()) << text;
  }
  // RFC 6761, 6.5: the example domains are for nobody to treat as special.
  for (const char* text : {"a@example.com", "a@b.example", "a@test.org", "a@latest.com",
                           "test@b.org", "a@b.c.tests"}) {
    EXPECT_FALSE(Email(text).has_special_use_domain()) << text;
  }
}

}  // namespace
}  // namespace gesso::schema
