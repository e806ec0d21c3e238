#include "gesso/domain/oauth/attempt.hpp"

#include <array>
#include <boost/json.hpp>
#include <vector>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/client/url.hpp"

namespace gesso::domain::oauth {
namespace {

namespace json = boost::json;

std::string random_text(Random& random) {
  std::array<std::uint8_t, 32> bytes{};
  random.fill(bytes);
  return base64url_encode(as_text(bytes));
}

}  // namespace

Attempt new_attempt(ProviderKind provider, std::string redirect_uri, Time now, Random& random) {
  return {.provider = provider,
          .state = random_text(random),
          .nonce = random_text(random),
          .verifier = random_text(random),
          .redirect_uri = std::move(redirect_uri),
          .expires_at = now + kAttemptLifetime};
}

std::string seal_attempt(const Attempt& attempt, const Sealer& sealer, Random& random) {
  const json::object value{{"provider", json::string_view(to_string(attempt.provider))},
                           {"state", attempt.state},
                           {"nonce", attempt.nonce},
                           {"verifier", attempt.verifier},
                           {"redirect_uri", attempt.redirect_uri},
                           {"begun_for", attempt.begun_for},
                           {"expires_at", attempt.expires_at.time_since_epoch().count()}};
  return sealer.seal(json::serialize(value), random);
}

std::optional<Attempt> open_attempt(std::string_view cookie, const Sealer& sealer, Time now) {
  const auto opened = sealer.open(cookie);
  if (!opened) return std::nullopt;
  boost::system::error_code error;
  const json::value root = json::parse(opened->reveal(), error);
  if (error || !root.is_object()) return std::nullopt;
  const json::object& value = root.get_object();
  const auto text = [&](std::string_view name) {
    const json::value* member = value.if_contains(name);
    return member != nullptr && member->is_string() ? std::string(member->get_string())
                                                    : std::string();
  };
  const auto provider = provider_named(text("provider"));
  const json::value* expires = value.if_contains("expires_at");
  if (!provider || expires == nullptr || !expires->is_int64()) return std::nullopt;
  Attempt attempt{.provider = *provider,
                  .state = text("state"),
                  .nonce = text("nonce"),
                  .verifier = text("verifier"),
                  .redirect_uri = text("redirect_uri"),
                  .begun_for = text("begun_for"),
                  .expires_at = Time{std::chrono::milliseconds{expires->get_int64()}}};
  if (attempt.state.empty() || attempt.nonce.empty() || attempt.verifier.empty() ||
      attempt.expires_at <= now) {
    return std::nullopt;
  }
  return attempt;
}

std::string authorize_url(const Provider& provider, std::string_view endpoint,
                          const Attempt& attempt) {
  const std::string challenge = base64url_encode(as_text(sha256(attempt.verifier)));
  std::vector<std::pair<std::string_view, std::string_view>> fields{
      {"response_type", "code"},
      {"client_id", provider.client_id},
      {"redirect_uri", attempt.redirect_uri},
      {"scope", provider.scope},
      {"state", attempt.state},
      {"code_challenge", challenge},
      {"code_challenge_method", "S256"}};
  if (provider.is_openid()) fields.emplace_back("nonce", attempt.nonce);
  // Only for the provider's page, which offers the right accounts first; the claim is checked.
  if (!provider.hosted_domain.empty()) fields.emplace_back("hd", provider.hosted_domain);
  std::string url(endpoint);
  url += endpoint.find('?') == std::string_view::npos ? "?" : "&";
  return url + client::form_encode(fields);
}

}  // namespace gesso::domain::oauth
