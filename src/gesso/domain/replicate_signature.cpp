#include "gesso/domain/replicate_signature.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"

namespace gesso::domain {

namespace {

constexpr std::string_view kSecretPrefix = "whsec_";
constexpr std::string_view kScheme = "v1,";

std::optional<Secret> key_of(std::string_view secret) {
  if (!secret.starts_with(kSecretPrefix)) return std::nullopt;
  std::string padded(secret.substr(kSecretPrefix.size()));
  padded.append((4 - padded.size() % 4) % 4, '=');  // some leave it out
  auto key = base64_decode(padded);
  wipe(padded);
  if (!key || key->empty()) return std::nullopt;  // anybody could sign with none
  return Secret(*std::move(key));
}

std::string sign(std::string_view id, std::string_view timestamp, std::string_view body,
                 const Secret& key) {
  std::string signed_text(id);
  signed_text += '.';
  signed_text += timestamp;
  signed_text += '.';
  signed_text += body;
  const Digest digest = hmac_sha256(key.reveal(), signed_text);
  return base64_encode(as_text(digest));
}

// Those of the scheme, of a list with blanks between them.
std::vector<std::string_view> signatures_of(std::string_view header) {
  std::vector<std::string_view> found;
  while (!header.empty()) {
    const std::string_view one = header.substr(0, header.find(' '));
    header.remove_prefix(std::min(header.size(), one.size() + 1));
    if (one.starts_with(kScheme)) found.push_back(one.substr(kScheme.size()));
  }
  return found;
}

}  // namespace

bool is_replicate_secret(std::string_view text) { return key_of(text).has_value(); }

SignatureVerdict verify_replicate_signature(const ReplicateHeaders& headers, std::string_view body,
                                            std::span<const Secret> secrets, Time now,
                                            std::chrono::seconds tolerance) {
  const auto signed_at = read_seconds(headers.timestamp);
  const auto signatures = signatures_of(headers.signature);
  if (headers.id.empty() || !signed_at || signatures.empty()) return SignatureVerdict::kMalformed;
  bool good = false;
  for (const Secret& secret : secrets) {
    const auto key = key_of(secret.reveal());
    if (!key) continue;
    const std::string expected = sign(headers.id, headers.timestamp, body, *key);
    for (const std::string_view signature : signatures) {
      if (constant_time_equal(expected, signature)) good = true;
    }
  }
  if (!good) return SignatureVerdict::kWrong;
  return judge_time(*signed_at, now, tolerance);
}

std::string sign_as_replicate(std::string_view id, std::string_view timestamp,
                              std::string_view body, std::span<const Secret> secrets) {
  std::string header;
  for (const Secret& secret : secrets) {
    const auto key = key_of(secret.reveal());
    if (!key) continue;
    if (!header.empty()) header += ' ';
    header += kScheme;
    header += sign(id, timestamp, body, *key);
  }
  return header;
}

}  // namespace gesso::domain
