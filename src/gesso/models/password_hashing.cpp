#include "gesso/models/password_hashing.hpp"

#include <crypt.h>
#include <string.h>  // explicit_bzero

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "gesso/base/error.hpp"

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
  std::string hash = crypt_with(password.reveal(), setting.data());
  if (hash.empty()) throw Error(ErrorKind::kInternal, "libxcrypt makes no bcrypt hash");
  return schema::PasswordHash(hash);
}

bool verify_password(std::string_view password, const schema::PasswordHash& hash) {
  if (password.size() > schema::Password::kMax || password.find('\0') != std::string_view::npos) {
    return false;
  }
  const std::string setting(hash.reveal());
  return constant_time_equal(crypt_with(password, setting.c_str()), setting);
}

schema::PasswordHash hash_of_nobody(unsigned cost) {
  const std::string digits = (cost < 10 ? "0" : "") + std::to_string(cost);
  return schema::PasswordHash("$2b$" + digits + "$" + std::string(53, '.'));
}

}  // namespace gesso::models
