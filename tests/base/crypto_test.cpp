#include "gesso/base/crypto.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "gesso/base/text.hpp"

namespace gesso {
namespace {

// RFC 4231, 4.2 to 4.7.
struct Case {
  std::string key;
  std::string text;
  std::string digest;
};
const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };
  return all;
}

TEST(Hmac, IsAsTheRfcHasIt) {
  for (const Case& one : cases()) {
    EXPECT_EQ(hex(hmac_sha256(one.key, one.text)), one.digest);
    EXPECT_EQ(hex(HmacSha256(one.key).of(one.text)), one.digest);
  }
}

TEST(Hmac, AKeyIsGoodForManyTextsAndThreads) {
  const HmacSha256 key("a key");
  const HmacSha256 moved = HmacSha256("another key");
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string text = std::to_string(t) + "/" + std::to_string(i);
        EXPECT_EQ(key.of(text), hmac_sha256("a key", text));
        EXPECT_EQ(moved.of(text), hmac_sha256("another key", text));
      }
    });
  }
}

TEST(Hmac, AnEmptyKeyAndAnEmptyTextAreNoFault) {
  EXPECT_EQ(HmacSha256("").of(""), hmac_sha256("", ""));
}

}  // namespace
}  // namespace gesso
