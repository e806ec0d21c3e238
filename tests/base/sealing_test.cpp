#include "gesso/base/sealing.hpp"

#include <gtest/gtest.h>

#include <set>

#include "gesso/base/base64.hpp"
#include "gesso/base/error.hpp"
#include "gesso/testing/seeded_random.hpp"

namespace gesso {
namespace {

Secret root(char c = 'k') { return Secret(std::string(32, c)); }

std::string opened(const Sealer& sealer, std::string_view sealed) {
  const auto value = sealer.open(sealed);
  return value ? std::string(value->reveal()) : "refused";
}

TEST(Sealer, OpensWhatItSealed) {
  testing::SeededRandom random;
  const Sealer sealer(root(), "a purpose");
  for (const std::string& value :
       {std::string(), std::string("hello"), std::string("a\0b", 3), std::string(5000, 'x')}) {
    const std::string sealed = sealer.seal(value, random);
    EXPECT_EQ(opened(sealer, sealed), value);
    EXPECT_EQ(opened(Sealer(root(), "a purpose"), sealed), value) << "the key alone opens it";
    if (value.size() > 3) {
      EXPECT_EQ(base64url_decode(sealed).value_or("").find(value), std::string::npos);
    }
  }
}

TEST(Sealer, NeverSealsTheSameTwice) {
  SystemRandom random;
  const Sealer sealer(root(), "a purpose");
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(sealer.seal("same", random)).second);
}

TEST(Sealer, RefusesWhatAnotherKeyOrPurposeSealed) {
  testing::SeededRandom random;
  const Sealer sealer(root(), "a purpose");
  EXPECT_EQ(opened(sealer, Sealer(root('l'), "a purpose").seal("x", random)), "refused");
  EXPECT_EQ(opened(sealer, Sealer(root(), "another").seal("x", random)), "refused");
}

TEST(Sealer, OpensWithTheSameAssociatedDataOnly) {
  testing::SeededRandom random;
  const Sealer sealer(root(), "a purpose");
  const std::string sealed = sealer.seal("hello", random, "ada");
  const auto with = [&](std::string_view associated) {
    const auto value = sealer.open(sealed, associated);
    return value ? std::string(value->reveal()) : "refused";
  };
  EXPECT_EQ(with("ada"), "hello");
  EXPECT_EQ(with("bob"), "refused");
  EXPECT_EQ(with(""), "refused");
  EXPECT_EQ(base64url_decode(sealed).value_or("").size(), 12 + 5 + 16U) << "it is not in it";
}

TEST(Sealer, RefusesEveryChangeOfAByte) {
  testing::SeededRandom random;
  const Sealer sealer(root(), "a purpose");
  const std::string sealed = base64url_decode(sealer.seal("hello", random)).value();
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(opened(sealer, base64url_encode(changed)), "refused") << i;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_EQ(opened(sealer, base64url_encode(sealed.substr(0, size))), "refused") << size;
  }
  EXPECT_EQ(opened(sealer, "no base64!"), "refused");
  EXPECT_EQ(opened(sealer, std::string(1 << 20, 'A')), "refused");
}

// The key is HKDF-SHA-256's without a salt, so that another program with the root can open it: the
// value was sealed by Python's `cryptography` 48 with HKDF(SHA256, 32, None, b"a purpose") of 32
// bytes "k" and the nonce 00 01 ... 0b.
TEST(Sealer, IsTheStandardsOwn) {
  const Sealer sealer(root(), "a purpose");
  EXPECT_EQ(opened(sealer, "AAECAwQFBgcICQoLPIWzWhWNxWVuOzeJFBT2_FLQ_LRM"), "hello");
}

TEST(Sealer, RefusesAShortRoot) {
  try {
    (void)Sealer(Secret(std::string(31, 'k')), "a purpose");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
  }
}

}  // namespace
}  // namespace gesso
