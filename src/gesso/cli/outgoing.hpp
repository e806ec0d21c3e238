// What `gesso serve` asks other services with, as the settings say: providers of sign-in, Stripe, a
// mail server.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/cli/settings.hpp"
#include "gesso/client/http_client.hpp"
#include "gesso/domain/mailer.hpp"
#include "gesso/domain/oauth/sign_in.hpp"
#include "gesso/domain/stripe_sender.hpp"

namespace gesso::cli {

// The providers whose client id is set. Throws Error kValidation where one lacks its secret, or all
// lack `oauth_redirect_uri`.
[[nodiscard]] std::vector<domain::oauth::Provider> sign_in_providers(const Settings& settings);

// By SMTP where a mail server is set, into the log where none is. Borrows clock and randomness.
// Throws as client::make_smtp_client.
[[nodiscard]] std::unique_ptr<domain::Mailer> make_mailer(const Settings& settings,
                                                          const Clock& clock, Random& random);

// Owns what it gives out; thread-safe, as that is. Borrows clock and randomness.
class Outgoing {
  std::unique_ptr<client::HttpClient> http_;
  std::optional<domain::oauth::SignIn> sign_in_;
  std::optional<domain::StripeSender> stripe_;

 public:
  // `root` is the key that access tokens are signed with. Throws Error kValidation.
  Outgoing(const Settings& settings, const Secret& root, const Clock& clock, Random& random);

  // May call the providers of sign-in and Stripe, as far as they are set, and nobody else.
  [[nodiscard]] client::HttpClient& http() { return *http_; }
  // nullptr where there is no provider.
  [[nodiscard]] domain::oauth::SignIn* sign_in() { return sign_in_ ? &*sign_in_ : nullptr; }
  // Empty where no key of Stripe's is set. Borrows this.
  [[nodiscard]] domain::StripeTransport stripe();
};

}  // namespace gesso::cli
