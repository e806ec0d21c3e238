// Access tokens from outside: nothing that was not signed by us gets in. The second half is signed,
// to get behind the signature.
#include <algorithm>
#include <cstdint>
#include <string>

#include "gesso/base/base64.hpp"
#include "gesso/domain/jwt.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gesso;
  using namespace gesso::domain;
  static constexpr std::string_view kKey = "a key of thirty-two bytes or more";
  static constexpr std::string_view kPrevious = "the key of thirty-two bytes before it";
  static const gesso::SystemClock clock;
  static const Tokens tokens{gesso::Secret(kKey), gesso::Secret(kPrevious), {}, clock};
  const std::string text(reinterpret_cast<const char*>(data), size);
  TokenFault fault{};
  for (const TokenUse use : {TokenUse::kAccess, TokenUse::kSecondFactor}) {
    if (tokens.verify(use, text, fault)) __builtin_trap();
  }
  if (const auto bytes = base64url_decode(text); bytes && base64url_encode(*bytes) != text) {
    __builtin_trap();
  }
  if (const auto token = bearer_token(text); token && token->empty()) __builtin_trap();

  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string input = base64url_encode(text.substr(0, line)) + "." +
                            base64url_encode(text.substr(std::min(line + 1, text.size())));
  const std::string token = input + "." + base64url_encode(sign(kKey, input));
  const auto access = tokens.verify(TokenUse::kAccess, token, fault);
  if (access && (access->subject.empty() || access->session_id.empty())) __builtin_trap();
  // No token is good for two uses.
  if (access && tokens.verify(TokenUse::kSecondFactor, token, fault)) __builtin_trap();
  return 0;
}
