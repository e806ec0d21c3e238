#include "gesso/domain/refresh_tokens.hpp"

#include <algorithm>
#include <vector>

#include "gesso/base/secret.hpp"

namespace gesso::domain {
namespace {

constexpr std::size_t kProofSize = 22;  // of base64url: 132 bits

// By each of the keys, the current one first.
std::vector<std::string> proofs(const Tokens& keys, std::string_view token) {
  std::vector<std::string> all = keys.derive("refresh_proof", token);
  for (std::string& one : all) one.resize(kProofSize);
  return all;
}

}  // namespace

std::string seal_refresh_token(const Tokens& keys, std::string_view token) {
  return std::string(token) + "." + proofs(keys, token).front();
}

std::optional<ShownRefreshToken> open_refresh_token(const Tokens& keys, std::string_view text) {
  const std::size_t end = std::min(text.find('.'), text.size());
  auto token = parse_refresh_token(text.substr(0, end));
  if (!token) return std::nullopt;
  if (end == text.size()) return ShownRefreshToken{.token = *std::move(token)};
  const std::string_view proof = text.substr(end + 1);
  const bool was_given_out =
      std::ranges::any_of(proofs(keys, token->text),
                          [&](const std::string& one) { return constant_time_equal(one, proof); });
  return ShownRefreshToken{.token = *std::move(token), .was_given_out = was_given_out};
}

}  // namespace gesso::domain
