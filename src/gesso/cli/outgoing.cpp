#include "gesso/cli/outgoing.hpp"

#include "gesso/base/error.hpp"
#include "gesso/cli/version.hpp"
#include "gesso/client/curl_client.hpp"
#include "gesso/client/smtp.hpp"
#include "gesso/domain/client_mailer.hpp"

namespace gesso::cli {
std::vector<domain::oauth::Provider> sign_in_providers(const Settings& settings) {
  namespace oauth = domain::oauth;
  std::vector<oauth::Provider> providers;
  const auto is_set = [](std::string_view name, const std::string& id, const Secret& secret) {
    if (!id.empty() && secret.empty()) {
      throw Error(ErrorKind::kValidation, std::string(name) +
                                              "_client_secret: expected the secret "
                                              "of " +
                                              std::string(name) + "_client_id, found nothing");
    }
    return !id.empty();
  };
  if (is_set("google", settings.google_client_id, settings.google_client_secret)) {
    providers.push_back(oauth::google(settings.google_client_id,
                                      settings.google_client_secret.clone(),
                                      settings.google_hosted_domain, settings.google_url));
  }
  if (is_set("microsoft", settings.microsoft_client_id, settings.microsoft_client_secret)) {
    providers.push_back(oauth::microsoft(settings.microsoft_client_id,
                                         settings.microsoft_client_secret.clone(),
                                         settings.microsoft_tenant, settings.microsoft_url));
  }
  if (is_set("github", settings.github_client_id, settings.github_client_secret)) {
    providers.push_back(oauth::github(settings.github_client_id,
                                      settings.github_client_secret.clone(), settings.github_url));
  }
  if (!providers.empty() && settings.oauth_redirect_uri.empty()) {
    throw Error(ErrorKind::kValidation,
                "oauth_redirect_uri: expected a URL with {provider} in it where people sign in "
                "with another's account, found nothing");
  }
  return providers;
}

std::unique_ptr<domain::Mailer> make_mailer(const Settings& settings, const Clock& clock,
                                            Random& random) {
  if (settings.smtp_host.empty()) return std::make_unique<domain::LogMailer>();
  client::SmtpOptions options{.host = settings.smtp_host,
                              .port = static_cast<int>(settings.smtp_port),
                              .user = settings.smtp_user,
                              .password = settings.smtp_password.clone(),
                              .from = settings.smtp_from,
                              .from_name = settings.smtp_from_name,
                              .ca_file = settings.smtp_ca_file};
  if (settings.smtp_tls == "implicit") options.tls = client::SmtpTls::kImplicit;
  if (settings.smtp_tls == "none") options.tls = client::SmtpTls::kNone;
  return std::make_unique<domain::ClientMailer>(
      client::make_smtp_client(std::move(options), clock, random));
}

Outgoing::Outgoing(const Settings& settings, const Secret& root, const Clock& clock,
                   Random& random) {
  auto providers = sign_in_providers(settings);
  std::vector<std::string> allowed;
  for (const auto& provider : providers) {
    allowed.insert(allowed.end(), provider.origins.begin(), provider.origins.end());
  }
  const bool sells = !settings.stripe_secret_key.empty();
  if (sells) allowed.push_back(settings.stripe_api_url);
  http_ = client::make_curl_client(
      {.allowed = allowed, .user_agent = "gesso/" + std::string(version())});
  if (!providers.empty()) sign_in_.emplace(std::move(providers), root, *http_, clock, random);
  if (sells) {
    stripe_.emplace(domain::StripeSenderOptions{.secret_key = settings.stripe_secret_key.clone(),
                                                .origin = settings.stripe_api_url},
                    *http_, clock, random);
  }
}

domain::StripeTransport Outgoing::stripe() {
  if (!stripe_) return {};
  return [this](const domain::StripeCall& call, Deadline deadline) {
    return stripe_->send(call, {.deadline = deadline});
  };
}

}  // namespace gesso::cli
