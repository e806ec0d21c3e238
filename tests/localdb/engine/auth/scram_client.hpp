// The client's half of SCRAM-SHA-256, for tests.
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>
#include <string_view>

#include "gesso/base/base64.hpp"
#include "gesso/localdb/engine/auth/scram.hpp"

namespace gesso::localdb::auth {

inline std::string hmac(std::string_view key, std::string_view text) {
  std::string out(32, '\0');
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

inline std::string sha256(std::string_view text) {
  std::string out(32, '\0');
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr,
             EVP_sha256(), nullptr);
  return out;
}

// The client's half, from the RFC and not from our server's code.
inline std::string client_final(std::string_view password, std::string_view client_first_bare,
                                const std::string& server_first,
                                std::string_view channel = "biws") {
  const auto field = [&](const std::string& name) {
    const std::size_t at = server_first.find(name) + name.size();
    return server_first.substr(at, server_first.find(',', at) - at);
  };
  const std::string salt = *base64_decode(field("s="));
  std::string salted(32, '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()),
                    static_cast<int>(salt.size()), std::stoi(field("i=")), EVP_sha256(), 32,
                    reinterpret_cast<unsigned char*>(salted.data()));
  const std::string without_proof = "c=" + std::string(channel) + ",r=" + field("r=");
  const std::string auth_message =
      std::string(client_first_bare) + "," + server_first + "," + without_proof;
  const std::string client_key = hmac(salted, "Client Key");
  std::string proof = hmac(sha256(client_key), auth_message);
  for (std::size_t i = 0; i < proof.size(); ++i) {
    proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
  }
  return without_proof + ",p=" + base64_encode(proof);
}

}  // namespace gesso::localdb::auth
