#include "gesso/domain/stripe_signature.hpp"

#include <optional>
#include <vector>

#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"

namespace gesso::domain {

namespace {

constexpr std::string_view kScheme = "v1";

struct SignatureHeader {
  std::optional<std::int64_t> time;
  std::vector<std::string_view> signatures;
};

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

SignatureHeader read(std::string_view header) {
  SignatureHeader read;
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    const std::string_view item = trim(header.substr(0, comma));
    header = comma == std::string_view::npos ? std::string_view() : header.substr(comma + 1);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = item.substr(0, equals);
    const std::string_view value = item.substr(equals + 1);
    if (name == "t" && !read.time) read.time = read_seconds(value);
    if (name == kScheme) read.signatures.push_back(value);
  }
  return read;
}

std::string sign(std::int64_t time, std::string_view body, const Secret& secret) {
  std::string signed_text = std::to_string(time);
  signed_text += '.';
  signed_text += body;
  const Digest digest = hmac_sha256(secret.reveal(), signed_text);
  return hex(digest);
}

}  // namespace

SignatureVerdict verify_stripe_signature(std::string_view header, std::string_view body,
                                         std::span<const Secret> secrets, Time now,
                                         std::chrono::seconds tolerance) {
  const SignatureHeader given = read(header);
  if (!given.time || given.signatures.empty()) return SignatureVerdict::kMalformed;
  bool good = false;
  for (const Secret& secret : secrets) {
    if (secret.empty()) continue;  // anybody could sign with that
    const std::string expected = sign(*given.time, body, secret);
    for (const std::string_view signature : given.signatures) {
      if (constant_time_equal(expected, signature)) good = true;
    }
  }
  if (!good) return SignatureVerdict::kWrong;
  return judge_time(*given.time, now, tolerance);
}

std::string sign_as_stripe(std::string_view body, std::span<const Secret> secrets, Time now) {
  const std::int64_t time = unix_seconds(now);
  std::string header = "t=" + std::to_string(time);
  for (const Secret& secret : secrets) {
    header += ',';
    header += kScheme;
    header += '=';
    header += sign(time, body, secret);
  }
  return header;
}

}  // namespace gesso::domain
