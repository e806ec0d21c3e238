// Stored secrets from outside: whatever a database hands over in their place opens as nothing, and
// what was sealed opens as what it was, for its owner alone, until a byte of it changes.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/base/keyring.hpp"
#include "gesso/base/random.hpp"

namespace {

// Whether it opens; if so, as `value`.
bool opens(const gesso::Keyring& keys, std::string_view text, std::string_view owner,
           std::string_view value) {
  try {
    if (keys.open(text, owner).value.reveal() != value) __builtin_trap();
    return true;
  } catch (const gesso::Error& error) {
    if (error.kind() != gesso::ErrorKind::kInternal) __builtin_trap();
    return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gesso;
  static const Keyring keys = [] {
    std::vector<Secret> two;
    two.emplace_back(std::string(32, 'a'));
    two.emplace_back(std::string(32, 'b'));
    return Keyring(two);
  }();
  static SystemRandom random;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (opens(keys, text, "owner", "")) __builtin_trap();
  if (opens(keys, "enc1." + std::string(keys.key_id()) + "." + text, "owner", "")) {
    __builtin_trap();
  }
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string owner = text.substr(0, line);
  const std::string value = text.substr(std::min(line + 1, text.size()));
  std::string sealed = keys.seal(value, owner, random);
  if (!opens(keys, sealed, owner, value) || opens(keys, sealed, owner + "x", value)) {
    __builtin_trap();
  }
  const std::size_t at = size == 0 ? 0 : data[0] * sealed.size() / 256;
  sealed[at] = sealed[at] == 'A' ? 'B' : 'A';
  if (opens(keys, sealed, owner, value)) __builtin_trap();
  return 0;
}
