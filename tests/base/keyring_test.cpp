#include "gesso/base/keyring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <set>
#include <string>

#include "gesso/base/error.hpp"
#include "gesso/testing/seeded_random.hpp"

namespace gesso {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Keyring ring(std::initializer_list<char> letters) {
  std::vector<Secret> keys;
  for (const char letter : letters) keys.emplace_back(std::string(Keyring::kMinKeyBytes, letter));
  return Keyring(keys);
}

// What the text holds; std::nullopt where it is refused, for whatever reason.
std::optional<std::string> opened(const Keyring& keys, std::string_view text,
                                  std::string_view owner) {
  try {
    return std::string(keys.open(text, owner).value.reveal());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    return std::nullopt;
  }
}

std::string refusal(const Keyring& keys, std::string_view text, std::string_view owner) {
  try {
    (void)keys.open(text, owner);
    return "opened";
  } catch (const Error& error) {
    return error.what();
  }
}

std::string random_text(Random& random, std::size_t most) {
  std::string text(static_cast<std::size_t>(random.uniform() * static_cast<double>(most)), '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

TEST(Keyring, OpensWhatItSealedForTheSameOwner) {
  testing::SeededRandom random;
  const Keyring keys = ring({'a'});
  const std::string text = keys.seal("GEZDGNBVGY3TQOJQ", "totp/user_1", random);
  EXPECT_THAT(text, StartsWith("enc1." + std::string(keys.key_id()) + "."));
  EXPECT_THAT(text, Not(HasSubstr("GEZDGNBVGY3TQOJQ")));
  EXPECT_TRUE(Keyring::is_sealed(text));
  EXPECT_FALSE(Keyring::is_sealed("GEZDGNBVGY3TQOJQ"));
  EXPECT_TRUE(keys.open(text, "totp/user_1").is_current);
  EXPECT_EQ(opened(keys, text, "totp/user_1"), "GEZDGNBVGY3TQOJQ");
}

TEST(Keyring, RefusesATextThatWasMovedToAnotherOwner) {
  testing::SeededRandom random;
  const Keyring keys = ring({'a'});
  const std::string text = keys.seal("value", "totp/user_1", random);
  for (const char* owner : {"totp/user_2", "totp/user_", "totp/user_11", "mail/user_1", ""}) {
    EXPECT_EQ(opened(keys, text, owner), std::nullopt) << owner;
  }
}

TEST(Keyring, RefusesAnotherKeysTextAndNamesTheKey) {
  testing::SeededRandom random;
  const Keyring other = ring({'b'});
  const std::string text = other.seal("value", "owner", random);
  EXPECT_THAT(refusal(ring({'a'}), text, "owner"), HasSubstr(other.key_id()));
  // One that claims to be of a key that is set.
  const Keyring keys = ring({'a'});
  std::string forged = text;
  forged.replace(5, 8, keys.key_id());
  EXPECT_THAT(refusal(keys, forged, "owner"), HasSubstr("was changed"));
}

TEST(Keyring, AKeyIsRotatedWithoutLosingAnything) {
  testing::SeededRandom random;
  const Keyring before = ring({'a'});
  const Keyring both = ring({'b', 'a'});
  const Keyring after = ring({'b'});
  const std::string old_text = before.seal("value", "owner", random);
  EXPECT_FALSE(both.open(old_text, "owner").is_current);
  EXPECT_FALSE(both.is_current(old_text));
  EXPECT_EQ(opened(both, old_text, "owner"), "value");
  const std::string new_text = both.seal("value", "owner", random);
  EXPECT_TRUE(both.is_current(new_text));
  EXPECT_EQ(opened(after, new_text, "owner"), "value");
  EXPECT_EQ(opened(before, new_text, "owner"), std::nullopt);
  EXPECT_EQ(opened(after, old_text, "owner"), std::nullopt);
}

TEST(Keyring, RefusesEveryChangeOfACharacter) {
  testing::SeededRandom random;
  const Keyring keys = ring({'a', 'b'});
  const std::string text = keys.seal("value", "owner", random);
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char other : {'A', 'B', '_', '.', '\0', '\xFF'}) {
      if (text[i] == other) continue;
      std::string changed = text;
      changed[i] = other;
      EXPECT_EQ(opened(keys, changed, "owner"), std::nullopt) << i;
    }
  }
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(opened(keys, text.substr(0, size), "owner"), std::nullopt) << size;
  }
  EXPECT_EQ(opened(keys, text + "A", "owner"), std::nullopt);
  for (const char* nothing :
       {"", "enc1.", "enc1..", "enc1.AAAAAAAA.", "value", "enc2.AAAAAAAA.A"}) {
    EXPECT_EQ(opened(keys, nothing, "owner"), std::nullopt) << nothing;
  }
}

// Whatever the value and the owner are: what went in comes out, for that owner alone, and no two
// texts are alike.
TEST(Keyring, OpensAnyValueForItsOwnerAlone) {
  testing::SeededRandom random;
  const Keyring keys = ring({'a'});
  const Keyring rotated = ring({'b', 'a'});
  std::set<std::string> texts;
  for (int i = 0; i < 500; ++i) {
    const std::string value = random_text(random, 200);
    const std::string owner = random_text(random, 40);
    const std::string text = keys.seal(value, owner, random);
    EXPECT_TRUE(texts.insert(text).second);
    EXPECT_EQ(opened(keys, text, owner), value);
    EXPECT_EQ(opened(rotated, text, owner), value);
    const std::string stranger = random_text(random, 40);
    if (stranger != owner) {
      EXPECT_EQ(opened(keys, text, stranger), std::nullopt);
    }
  }
}

TEST(Keyring, ShowsNeitherValueNorKeyInAMessage) {
  testing::SeededRandom random;
  const Keyring keys = ring({'a'});
  const std::string text = keys.seal("value", "owner", random);
  for (const std::string& message :
       {refusal(keys, text, "other"), refusal(ring({'b'}), text, "owner"),
        refusal(keys, "secret in plain text", "owner"),
        refusal(keys, "enc1.a\nb c d..AAAA", "owner")}) {
    EXPECT_THAT(message, Not(HasSubstr("aaaaaaaa")));
    EXPECT_THAT(message, Not(HasSubstr("plain text")));
    EXPECT_THAT(message, Not(HasSubstr("\n")));
    EXPECT_THAT(message, Not(HasSubstr(text.substr(14))));
  }
}

TEST(Keyring, RefusesKeysThatCannotServe) {
  const auto kind_of = [](std::vector<Secret> keys) -> std::optional<ErrorKind> {
    try {
      (void)Keyring(keys);
      return std::nullopt;
    } catch (const Error& error) {
      return error.kind();
    }
  };
  const auto keys = [](std::initializer_list<std::string> texts) {
    std::vector<Secret> made;
    for (const std::string& text : texts) made.emplace_back(std::string_view(text));
    return made;
  };
  EXPECT_EQ(kind_of({}), ErrorKind::kValidation);
  EXPECT_EQ(kind_of(keys({std::string(31, 'a')})), ErrorKind::kValidation);
  EXPECT_EQ(kind_of(keys({std::string(32, 'a'), std::string(32, 'a')})), ErrorKind::kValidation);
  EXPECT_EQ(kind_of(keys({std::string(32, 'a'), std::string(32, 'b')})), std::nullopt);
}

}  // namespace
}  // namespace gesso
