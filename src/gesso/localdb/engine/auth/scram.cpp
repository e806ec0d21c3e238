#include "gesso/localdb/engine/auth/scram.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb::auth {
namespace {

constexpr std::size_t kSaltSize = 28;
constexpr std::size_t kNonceSize = 24;
constexpr std::string_view kClientKey = "Client Key";
constexpr std::string_view kServerKey = "Server Key";

[[noreturn]] void bad_message(const char* what) {
  throw CommandError(ErrorCode::kBadValue, std::string("Incorrect SCRAM message: ") + what);
}

// Takes "x=value" off the front of a comma-separated message and gives the value.
std::string_view take_attribute(std::string_view& message, char name) {
  if (message.size() < 2 || message[0] != name || message[1] != '=') {
    bad_message("an attribute is missing or out of order");
  }
  const std::size_t comma = message.find(',');
  const std::string_view value =
      message.substr(2, comma == std::string_view::npos ? std::string_view::npos : comma - 2);
  message.remove_prefix(comma == std::string_view::npos ? message.size() : comma + 1);
  return value;
}

// RFC 5802 5.1: "," and "=" travel as "=2C" and "=3D".
std::string decode_name(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      name += text[i];
      continue;
    }
    const std::string_view code = text.substr(i, 3);
    if (code == "=2C") {
      name += ',';
    } else if (code == "=3D") {
      name += '=';
    } else {
      bad_message("the name is not escaped as it should be");
    }
    i += 2;
  }
  if (name.empty()) bad_message("there is no name");
  return name;
}

// ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage); its hash must be StoredKey.
bool is_proof(std::string_view proof, const Credentials& credentials, std::string_view message) {
  Digest client_key = hmac_sha256(as_text(credentials.stored_key), message);
  for (std::size_t i = 0; i < client_key.size(); ++i) {
    client_key[i] = static_cast<std::uint8_t>(client_key[i] ^ static_cast<std::uint8_t>(proof[i]));
  }
  const Digest hash = sha256(as_text(client_key));
  return CRYPTO_memcmp(hash.data(), credentials.stored_key.data(), hash.size()) == 0;
}

}  // namespace

Credentials make_credentials(std::string_view password, Random& random, int iterations) {
  std::vector<std::uint8_t> salt(kSaltSize);
  random.fill(salt);
  return derive_credentials(password, std::move(salt), iterations);
}

Credentials derive_credentials(std::string_view password, std::vector<std::uint8_t> salt,
                               int iterations) {
  const bool printable = std::ranges::all_of(password, [](char c) { return c >= ' ' && c <= '~'; });
  if (password.empty() || !printable) {
    throw CommandError(ErrorCode::kBadValue,
                       "a password is one or more printable ASCII characters");
  }
  Credentials credentials{.iterations = iterations, .salt = std::move(salt)};
  Digest salted;
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), credentials.salt.data(),
                        static_cast<int>(credentials.salt.size()), iterations, EVP_sha256(),
                        static_cast<int>(salted.size()), salted.data()) != 1) {
    throw Error(ErrorKind::kInternal, "PBKDF2 failed");
  }
  credentials.stored_key = sha256(as_text(hmac_sha256(as_text(salted), kClientKey)));
  credentials.server_key = hmac_sha256(as_text(salted), kServerKey);
  OPENSSL_cleanse(salted.data(), salted.size());
  return credentials;
}

Credentials decoy_credentials(std::string_view user, const Digest& secret) {
  const Digest salt = hmac_sha256(as_text(secret), "salt " + std::string(user));
  return {.iterations = 15'000,
          .salt = {salt.begin(), salt.begin() + kSaltSize},
          .stored_key = hmac_sha256(as_text(secret), "stored " + std::string(user)),
          .server_key = hmac_sha256(as_text(secret), "server " + std::string(user))};
}

std::string ScramServer::first(std::string_view message, const Lookup& lookup) {
  if (state_ != State::kFirst) bad_message("the conversation has begun already");
  state_ = State::kFailed;  // until all of it is read

  // gs2-header: no channel binding ("n", or "y": the client could), no other identity.
  if (!message.starts_with("n,,") && !message.starts_with("y,,")) {
    bad_message("channel binding and other identities are not served");
  }
  gs2_header_ = message.substr(0, 3);
  message.remove_prefix(3);
  const std::string client_first_bare(message);
  user_ = decode_name(take_attribute(message, 'n'));
  const std::string_view client_nonce = take_attribute(message, 'r');
  if (client_nonce.empty()) bad_message("there is no nonce");

  std::array<std::uint8_t, kNonceSize> random_bytes{};
  random_->fill(random_bytes);
  nonce_ = client_nonce;
  nonce_ += base64_encode({reinterpret_cast<const char*>(random_bytes.data()), kNonceSize});
  credentials_ = lookup(user_);

  const Credentials& asked = credentials_.front();
  std::string server_first = "r=" + nonce_ + ",s=" + base64_encode(as_text(asked.salt)) +
                             ",i=" + std::to_string(asked.iterations);
  auth_message_ = client_first_bare + "," + server_first;
  state_ = State::kFinal;
  return server_first;
}

std::string ScramServer::final(std::string_view message) {
  if (state_ != State::kFinal) bad_message("it is out of order");
  state_ = State::kFailed;

  const std::size_t proof_at = message.rfind(",p=");
  if (proof_at == std::string_view::npos) bad_message("there is no proof");
  std::string_view without_proof = message.substr(0, proof_at);
  auth_message_ += ",";
  auth_message_ += without_proof;
  if (take_attribute(without_proof, 'c') != base64_encode(gs2_header_)) {
    bad_message("the channel binding does not agree");
  }
  if (take_attribute(without_proof, 'r') != nonce_) bad_message("the nonce does not agree");
  const std::optional<std::string> proof = base64_decode(message.substr(proof_at + 3));
  if (!proof || proof->size() != Digest().size()) bad_message("the proof is not base 64");

  // All of them whatever fits, so that the time tells nothing.
  std::optional<std::size_t> fits;
  for (std::size_t i = 0; i < credentials_.size(); ++i) {
    if (is_proof(*proof, credentials_[i], auth_message_)) fits = i;
  }
  if (!fits) throw CommandError(ErrorCode::kAuthenticationFailed, "Authentication failed.");
  proven_ = *fits;
  state_ = State::kProven;
  const Digest& server_key = credentials_[proven_].server_key;
  return "v=" + base64_encode(as_text(hmac_sha256(as_text(server_key), auth_message_)));
}

}  // namespace gesso::localdb::auth
