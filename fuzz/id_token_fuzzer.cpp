// What a provider of sign-in says: no ID token gets in that the provider's key did not sign, and of
// one that it did sign nothing that was not asked for. The same bytes as a set of keys and as
// metadata. The second half is signed, to get behind the signature.
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gesso/base/base64.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/domain/oauth/exchange.hpp"

namespace {

using namespace gesso;
using namespace gesso::domain::oauth;

constexpr std::int64_t kNow = 1'769'860'800;

void require(bool condition) {
  if (!condition) __builtin_trap();
}

const std::shared_ptr<EVP_PKEY>& key() {
  static const std::shared_ptr<EVP_PKEY> made(EVP_RSA_gen(2048), &EVP_PKEY_free);
  return made;
}

std::string sign(std::string_view input) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(),
                                                                       &EVP_MD_CTX_free);
  std::string signature(256, '\0');
  std::size_t size = signature.size();
  require(EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key().get()) == 1);
  require(EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         reinterpret_cast<const unsigned char*>(input.data()), input.size()) == 1);
  return signature;
}

// The claims of a token, where it is good.
const IdClaims* accepted(std::variant<IdClaims, NotAcceptable>& checked) {
  return std::get_if<IdClaims>(&checked);
}

std::variant<IdClaims, NotAcceptable> check(std::string_view token) {
  auto parts = split_id_token(token);
  if (auto* fault = std::get_if<NotAcceptable>(&parts)) return *fault;
  const jose::VerificationKey verification(jose::Algorithm::kRs256, key(), "");
  return check_id_token(std::get<jose::TokenParts>(parts), verification,
                        {.issuer = "https://login.example/{tenantid}/v2.0",
                         .client_id = "our-client",
                         .nonce = "the-nonce"},
                        Time{std::chrono::seconds{kNow}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto unsigned_token = check(text);
  require(accepted(unsigned_token) == nullptr);

  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string input = base64url_encode(text.substr(0, line)) + "." +
                            base64url_encode(text.substr(std::min(line + 1, text.size())));
  auto signed_token = check(input + "." + base64url_encode(sign(input)));
  if (const IdClaims* claims = accepted(signed_token)) {
    require(claims->issuer.starts_with("https://login.example/") && !claims->subject.empty());
    require(claims->issuer.find('{') == std::string::npos && claims->subject.size() <= 255);
    require(is_utf8(claims->email) && is_utf8(claims->name));
  }

  if (const auto keys = jose::KeySet::read(text)) {
    require(keys->size() <= jose::KeySet::kMaxKeys);
    if (const jose::VerificationKey* one = keys->find("", jose::Algorithm::kRs256))
      require(!one->verifies(text, text));
  }
  const Provider provider = google("our-client", Secret());
  try {
    const Metadata metadata = read_metadata(provider, text);
    require(metadata.issuer == provider.issuer && !metadata.token_endpoint.empty());
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kInternal);
  }
  return 0;
}
