// The WWW-Authenticate header of a server that may be anybody's, and what Key Vault answers: every
// text gives something, and nothing of it is longer than what came in.
#include <cstdint>
#include <string>
#include <string_view>

#include "gesso/azure/challenge.hpp"
#include "gesso/azure/vault_reply.hpp"
#include "gesso/azure/vault_url.hpp"
#include "gesso/base/error.hpp"

namespace {

void check(bool good) {
  if (!good) __builtin_trap();
}

bool has_upper(std::string_view text) {
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gesso;
  using namespace gesso::azure;
  const std::string text(reinterpret_cast<const char*>(data), size);

  std::size_t total = 0;
  for (const Challenge& challenge : parse_challenges(text)) {
    check(!challenge.scheme.empty() && !has_upper(challenge.scheme));
    total += challenge.scheme.size();
    for (const auto& [name, value] : challenge.parameters) {
      check(!name.empty() && !has_upper(name) && challenge.get(name).has_value());
      total += name.size() + value.size();
    }
  }
  check(total <= size);
  (void)bearer_challenge({.status = 401, .headers = {{"www-authenticate", text}}});

  // A URL that passes leads to a vault and to nothing else.
  try {
    const VaultUrl url = check_vault_url(text);
    check(url.text == "https://" + url.host && is_below(url.host, url.suffix));
    check(url.host.find_first_of("@/?#:\\ ") == std::string::npos);
    check(check_vault_url(url.text).host == url.host);
  } catch (const Error& error) {
    check(error.kind() == ErrorKind::kValidation);
  }

  const Secret body{std::string_view(text)};
  try {
    (void)read_secret(body);
  } catch (const Error& error) {
    check(error.kind() == ErrorKind::kInternal);
  }
  try {
    (void)read_version_page(body);
  } catch (const Error& error) {
    check(error.kind() == ErrorKind::kInternal);
  }
  (void)read_deleted_secret(body);
  (void)read_vault_error(body);
  return 0;
}
