#include "gesso/models/password_hashing.hpp"

#include <crypt.h>
#include <string.h>  // explicit_bzero

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"

namespace gesso::models {
namespace {

// crypt(3)'s working memory: 32 KiB with traces of the password, wiped when done.
struct WipingDelete {
  void operator()(crypt_data* data) const {
    ::explicit_bzero(data, sizeof *data);
    delete data;
  }
};

// The hash of `password` by the settings (salt, cost) that start `setting`; "" where it cannot be.
std::string crypt_with(std::string_view password, const char* setting) {
  const std::unique_ptr<crypt_data, WipingDelete> data(new crypt_data{});
  std::string phrase(password);  // crypt_rn wants a terminator
  const char* hash = ::crypt_rn(phrase.c_str(), setting, data.get(), sizeof *data);
  std::string result = hash == nullptr ? std::string() : std::string(hash);
  wipe(phrase);
  return result;
}

// The parts of a hash: "$2b$12$" + salt + checksum in crypt(3)'s notation.
constexpr std::size_t kSaltAt = 7;
constexpr std::size_t kSaltSize = 22;
constexpr std::string_view kPrehashed = "$bcrypt-sha256$v=2,t=2b,r=";

std::string two_digits(unsigned cost) { return (cost < 10 ? "0" : "") + std::to_string(cost); }

// What bcrypt gets in place of the password: 44 characters without NUL, whatever the password. The
// salt is the key, so that the hash of one site's unsalted SHA-256 is of no use here.
Secret prehash(std::string_view password, std::string_view salt) {
  Digest digest = hmac_sha256(salt, password);
  Secret encoded(base64_encode(as_text(digest)));
  ::explicit_bzero(digest.data(), digest.size());
  return encoded;
}

// `bcrypt` (crypt(3)'s notation) of a prehash in passlib's notation.
schema::PasswordHash prehashed(unsigned cost, std::string_view bcrypt) {
  return schema::PasswordHash(std::string(kPrehashed) + std::to_string(cost) + "$" +
                              std::string(bcrypt.substr(kSaltAt, kSaltSize)) + "$" +
                              std::string(bcrypt.substr(kSaltAt + kSaltSize)));
}

// The same the other way: "$2b$12$" + salt + checksum.
std::string bcrypt_of(std::string_view prehashed) {
  prehashed.remove_prefix(kPrehashed.size());
  const std::size_t digits = prehashed.find('$');
  const auto cost = static_cast<unsigned>(std::stoul(std::string(prehashed.substr(0, digits))));
  prehashed.remove_prefix(digits + 1);
  return "$2b$" + two_digits(cost) + "$" + std::string(prehashed.substr(0, kSaltSize)) +
         std::string(prehashed.substr(kSaltSize + 1));
}

}  // namespace

schema::PasswordHash hash_password(const schema::Password& password, Random& random,
                                   unsigned cost) {
  std::array<std::uint8_t, 16> salt{};
  random.fill(salt);
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  if (::crypt_gensalt_rn("$2b$", cost, reinterpret_cast<const char*>(salt.data()),
                         static_cast<int>(salt.size()), setting.data(),
                         static_cast<int>(setting.size())) == nullptr) {
    throw Error(ErrorKind::kInternal,
                "libxcrypt makes no bcrypt salt of cost " + std::to_string(cost));
  }
  const std::string_view salt_text = std::string_view(setting.data()).substr(kSaltAt, kSaltSize);
  const std::string hash =
      crypt_with(prehash(password.reveal(), salt_text).reveal(), setting.data());
  if (hash.size() < kSaltAt + kSaltSize || hash.substr(kSaltAt, kSaltSize) != salt_text) {
    throw Error(ErrorKind::kInternal, "libxcrypt makes no bcrypt hash");
  }
  return prehashed(cost, hash);
}

bool verify_password(std::string_view password, const schema::PasswordHash& hash) {
  if (hash.reveal().starts_with(kPrehashed)) {
    const std::string setting = bcrypt_of(hash.reveal());
    const Secret shown = prehash(password, std::string_view(setting).substr(kSaltAt, kSaltSize));
    return constant_time_equal(crypt_with(shown.reveal(), setting.c_str()), setting);
  }
  // A hash of yesterday, of the password itself: bcrypt would stop reading where these begin.
  constexpr std::size_t kBcryptReads = 72;
  if (password.size() > kBcryptReads || password.find('\0') != std::string_view::npos) return false;
  const std::string setting(hash.reveal());
  return constant_time_equal(crypt_with(password, setting.c_str()), setting);
}

schema::PasswordHash hash_of_nobody(unsigned cost) {
  return prehashed(cost, "$2b$" + two_digits(cost) + "$" + std::string(53, '.'));
}

}  // namespace gesso::models
