#include "gesso/images/signed_links.hpp"

#include <openssl/crypto.h>

#include <charconv>

#include "gesso/base/base64.hpp"
#include "gesso/base/text.hpp"

namespace gesso::images {
namespace {

constexpr std::string_view kPurpose = "gesso links to images, 1";

std::chrono::seconds since_epoch(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
}

}  // namespace

SignedLinks::SignedLinks(const std::vector<Secret>& roots, std::chrono::seconds lifetime)
    : lifetime_(lifetime) {
  for (const Secret& root : roots) {
    const Digest key = hmac_sha256(root.reveal(), kPurpose);
    keys_.emplace_back(as_text(key));
  }
}

std::string SignedLinks::signature(const HmacSha256& key, std::string_view path,
                                   std::string_view expires) {
  std::string text(path);
  text += '\n';
  text += expires;
  const Digest digest = key.of(text);
  return base64url_encode(as_text(digest));
}

std::string SignedLinks::sign(std::string_view path, Time now) const {
  const std::int64_t step = std::max<std::int64_t>(1, lifetime_.count() / 4);
  const std::int64_t begins = since_epoch(now).count() / step * step;
  const std::string expires = std::to_string(begins + step + lifetime_.count());
  return std::string(path) + "?expires=" + expires +
         "&signature=" + signature(keys_.front(), path, expires);
}

bool SignedLinks::is_good(std::string_view path, std::string_view expires,
                          std::string_view signed_text, Time now) const {
  std::int64_t until = 0;
  const char* const end = expires.data() + expires.size();
  const auto [read, error] = std::from_chars(expires.data(), end, until);
  if (error != std::errc{} || read != end || since_epoch(now).count() >= until) return false;
  bool is_ours = false;
  for (const HmacSha256& key : keys_) {
    const std::string expected = signature(key, path, expires);
    if (expected.size() == signed_text.size() &&
        CRYPTO_memcmp(expected.data(), signed_text.data(), expected.size()) == 0) {
      is_ours = true;
    }
  }
  return is_ours;
}

}  // namespace gesso::images
