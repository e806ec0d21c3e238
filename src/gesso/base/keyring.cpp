#include "gesso/base/keyring.hpp"

#include <algorithm>
#include <utility>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"

namespace gesso {
namespace {

constexpr std::string_view kMark = "enc1.";
constexpr std::string_view kPurpose = "gesso stored secret 1";
constexpr std::size_t kIdSize = 8;  // 48 bits tell the few keys of a service apart

std::string id_of(const Secret& key) {
  return base64url_encode(as_text(hmac_sha256(key.reveal(), "key id"))).substr(0, kIdSize);
}

struct Parts {
  std::string_view key_id;
  std::string_view sealed;
};

// Empty parts where there are none.
Parts parts_of(std::string_view text) {
  if (!text.starts_with(kMark)) return {};
  text.remove_prefix(kMark.size());
  if (text.size() <= kIdSize || text[kIdSize] != '.') return {};
  if (!base64url_decode(text.substr(0, kIdSize))) return {};
  return {.key_id = text.substr(0, kIdSize), .sealed = text.substr(kIdSize + 1)};
}

}  // namespace

Keyring::Keyring(std::span<const Secret> keys) {
  if (keys.empty()) throw Error(ErrorKind::kValidation, "there is no key to encrypt with");
  for (const Secret& key : keys) {
    std::string id = id_of(key);
    if (std::ranges::find(keys_, id, &Key::id) != keys_.end()) {
      throw Error(ErrorKind::kValidation, "a key to encrypt with is there twice");
    }
    keys_.push_back({.id = std::move(id), .sealer = Sealer(key, kPurpose)});
  }
}

std::string Keyring::seal(std::string_view value, std::string_view owner, Random& random) const {
  const Key& key = keys_.front();
  return std::string(kMark) + key.id + "." + key.sealer.seal(value, random, owner);
}

Keyring::Opened Keyring::open(std::string_view text, std::string_view owner) const {
  const Parts parts = parts_of(text);
  const auto key = std::ranges::find(keys_, parts.key_id, &Key::id);
  if (key == keys_.end()) {
    throw Error(ErrorKind::kInternal,
                parts.key_id.empty()
                    ? std::string("a stored secret is not encrypted as this program does it")
                    : "a stored secret is encrypted with key " + std::string(parts.key_id) +
                          ", which is not among those that are set");
  }
  auto value = key->sealer.open(parts.sealed, owner);
  if (!value) {
    throw Error(ErrorKind::kInternal,
                "a stored secret was changed, or was encrypted for another owner");
  }
  return {.value = *std::move(value), .is_current = key == keys_.begin()};
}

bool Keyring::is_sealed(std::string_view text) noexcept { return text.starts_with(kMark); }

bool Keyring::is_current(std::string_view text) const {
  return parts_of(text).key_id == keys_.front().id;
}

}  // namespace gesso
