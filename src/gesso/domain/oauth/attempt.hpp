// One attempt to sign in, between the redirect to the provider and the way back. It is kept by the
// browser, in a cookie that nobody but us can read or change, so that we keep nothing.
//
// What ends a replay: whoever finishes an attempt notes its state as used (used_attempts.hpp), the
// browser is told to forget the cookie when it comes back, and the attempt ends by itself after ten
// minutes. The provider's code is good once besides (RFC 6749, 4.1.2), and for the holder of our
// secret and the attempt's verifier alone.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/base/sealing.hpp"
#include "gesso/domain/oauth/provider.hpp"

namespace gesso::domain::oauth {

inline constexpr std::chrono::minutes kAttemptLifetime{10};

struct Attempt {
  ProviderKind provider = ProviderKind::kGoogle;
  std::string state;     // 256 random bits: what the provider sends back beside the code
  std::string nonce;     // 256 random bits: what the ID token must hold
  std::string verifier;  // of PKCE (RFC 7636): 256 random bits
  std::string redirect_uri;
  // What `begin` was told of who began it, who may be logged in already; empty for anybody.
  std::string begun_for = {};
  Time expires_at;
};

[[nodiscard]] Attempt new_attempt(ProviderKind provider, std::string redirect_uri, Time now,
                                  Random& random);

// The cookie's value: under 1 KiB, but for a long `redirect_uri`.
[[nodiscard]] std::string seal_attempt(const Attempt& attempt, const Sealer& sealer,
                                       Random& random);
// std::nullopt for what we did not seal, and for what has ended.
[[nodiscard]] std::optional<Attempt> open_attempt(std::string_view cookie, const Sealer& sealer,
                                                  Time now);

// Where the browser is sent: the provider's page with the parameters of a code flow with PKCE
// (RFC 6749, 4.1.1; RFC 7636, S256; OpenID Connect Core 1.0, 3.1.2.1).
[[nodiscard]] std::string authorize_url(const Provider& provider, std::string_view endpoint,
                                        const Attempt& attempt);

}  // namespace gesso::domain::oauth
