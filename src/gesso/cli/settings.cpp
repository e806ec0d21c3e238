#include "gesso/cli/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "gesso/azure/blob_store.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/keyring.hpp"
#include "gesso/cli/toml_file.hpp"
#include "gesso/domain/limit_policy.hpp"
#include "gesso/domain/model_table.hpp"
#include "gesso/domain/plans.hpp"
#include "gesso/domain/replicate_signature.hpp"
#include "gesso/http/security_headers.hpp"
#include "gesso/mongo/dialect.hpp"
#include "gesso/mongo/indexes.hpp"

namespace gesso::cli {
namespace {

constexpr std::string_view kPrefix = "GESSO_";
constexpr std::array<std::string_view, 6> kLogLevels{"trace", "debug", "info",
                                                     "warn",  "error", "off"};

std::optional<std::string> check_address(std::string_view text) {
  if (parse_address(text)) return std::nullopt;
  return "HOST:PORT, such as 127.0.0.1:8080";
}
std::optional<std::string> check_listen(std::string_view text) {
  return text.empty() ? std::nullopt : check_address(text);
}

std::optional<std::string> check_dialect(std::string_view text) {
  if (text.empty() || mongo::parse_dialect(text)) return std::nullopt;
  return "one of mongodb, localdb, cosmos-ru, documentdb";
}

std::optional<std::string> check_capabilities(std::string_view text) {
  if (mongo::parse_capabilities(parts_of(text))) return std::nullopt;
  return "names of capabilities, such as EnableMongoRetryableWrites";
}

std::optional<std::string> check_throughput(std::string_view text) {
  if (text.empty() || mongo::parse_throughput(text)) return std::nullopt;
  return "NUMBER or autoscale:NUMBER, hundreds from 400 on, or thousands with autoscale";
}

std::optional<std::string> check_not_empty(std::string_view text) {
  if (!text.empty()) return std::nullopt;
  return "text that is not empty";
}

std::optional<std::string> check_strict_transport(std::string_view text) {
  if (text.empty() || http::is_strict_transport(text)) return std::nullopt;
  return "max-age=SECONDS, with includeSubDomains and preload behind it where wanted";
}

std::optional<std::string> check_log_level(std::string_view text) {
  if (std::ranges::find(kLogLevels, text) != kLogLevels.end()) return std::nullopt;
  return "one of trace, debug, info, warn, error, off";
}

std::optional<std::string> check_log_format(std::string_view text) {
  if (text == "text" || text == "json") return std::nullopt;
  return "text or json";
}

// https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
std::optional<std::string> check_secret_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  };
  if (!text.empty() && text.size() <= 127 && std::ranges::all_of(text, allowed)) {
    return std::nullopt;
  }
  return "1 to 127 letters, digits and hyphens";
}

std::optional<std::string> check_managed_identity(std::string_view text) {
  const std::string_view kind = text.substr(0, text.find('='));
  const bool known = kind == "client_id" || kind == "object_id" || kind == "resource_id";
  if (text.empty() || (known && text.size() > kind.size() + 1)) return std::nullopt;
  return "client_id=ID, object_id=ID or resource_id=ID";
}

std::optional<std::string> check_limits(std::string_view text) {
  try {
    (void)domain::parse_limits(text);
    return std::nullopt;
  } catch (const Error& error) {
    std::string expected;
    for (const Violation& violation : error.violations()) {
      if (!expected.empty()) expected += "; ";
      expected += violation.expected + " in " + violation.found;
    }
    return expected;
  }
}

// HS256 needs a key of at least its hash's size (RFC 7518, 3.2).
std::optional<std::string> check_jwt_secret(std::string_view text) {
  if (text.empty() || text.size() >= 32) return std::nullopt;
  return "at least 32 bytes";
}

// https://replicate.com/docs/topics/webhooks/verify-webhook
std::optional<std::string> check_replicate_secrets(std::string_view text) {
  if (std::ranges::all_of(parts_of(text), domain::is_replicate_secret)) return std::nullopt;
  return "whsec_ and base64, comma-separated";
}

std::optional<std::string> check_encryption_keys(std::string_view text) {
  const std::vector<std::string> keys = list_of(text);
  const auto fits = [](const std::string& key) { return key.size() >= Keyring::kMinKeyBytes; };
  if (std::ranges::all_of(keys, fits) &&
      std::set<std::string>(keys.begin(), keys.end()).size() == keys.size()) {
    return std::nullopt;
  }
  return "keys of at least 32 bytes with commas between them, none of them twice";
}

std::optional<std::string> check_smtp_tls(std::string_view text) {
  if (text == "starttls" || text == "implicit" || text == "none") return std::nullopt;
  return "one of starttls, implicit, none";
}

std::optional<std::string> check_redirect_uri(std::string_view text) {
  if (text.empty() || (text.find("://") != text.npos && text.find("{provider}") != text.npos)) {
    return std::nullopt;
  }
  return "a URL with {provider} in it, such as "
         "https://api.example.com/api/v1/auth/oauth/{provider}/callback";
}

std::optional<std::string> check_plan(std::string_view text) {
  if (domain::read_plan(models::SubscriptionPlan::kPro, text)) return std::nullopt;
  return "credits=NUMBER, monthly=CENTS:PRICE_ID, yearly=CENTS:PRICE_ID";
}

std::optional<std::string> check_model(std::string_view text) {
  if (domain::read_model(text)) return std::nullopt;
  return "preview, replicate MODEL or openai MODEL, and behind commas credits=NUMBER, SIZE=SIZE "
         "and FIELD=VALUE";
}

// Empty, or an address that a browser or we go to.
std::optional<std::string> check_url(std::string_view text) {
  if (text.empty() || text.starts_with("https://") || text.starts_with("http://")) {
    return std::nullopt;
  }
  return "https:// or http:// and more";
}

std::optional<std::string> check_not_empty_url(std::string_view text) {
  return text.empty() ? std::optional<std::string>("https:// and more") : check_url(text);
}

std::optional<std::string> check_container_url(std::string_view text) {
  if (text.empty() || azure::read_container_url(text)) return std::nullopt;
  return "https://ACCOUNT.blob.core.windows.net/CONTAINER";
}

std::optional<std::string> check_forwarded_fields(std::string_view text) {
  if (text == "x-forwarded" || text == "forwarded") return std::nullopt;
  return "x-forwarded or forwarded";
}

using S = Settings;
constexpr std::array kTable{
    Setting{.key = "listen",
            .member = &S::listen,
            .about = "Address of the HTTP service, HOST:PORT; port 0 takes a free one.",
            .check = check_address},
    Setting{.key = "data_dir",
            .member = &S::data_dir,
            .about = "Folder of the embedded database and of the keys that are made for it.",
            .check = check_not_empty},
    Setting{.key = "mongodb_uri",
            .member = &S::mongodb_uri,
            .about = "mongodb:// or mongodb+srv:// of a server; without it and without a vault the "
                     "embedded database serves."},
    Setting{.key = "key_vault_url",
            .member = &S::key_vault_url,
            .about = "Azure Key Vault that holds the connection string, such as "
                     "https://myvault.vault.azure.net."},
    Setting{.key = "mongodb_secret",
            .member = &S::mongodb_secret,
            .about = "Name of the vault's secret that is the connection string.",
            .check = check_secret_name},
    Setting{.key = "database",
            .member = &S::database,
            .about = "Name of the database that holds the collections.",
            .check = check_not_empty},
    Setting{.key = "mongodb_tls_ca_file",
            .member = &S::mongodb_tls_ca_file,
            .about = "PEM file with the authorities that the server's certificate is checked by; "
                     "the system's without it."},
    Setting{.key = "mongodb_pool_size",
            .member = &S::mongodb_pool_size,
            .about = "Connections, which is also how many operations run at once.",
            .min = 1,
            .max = 1000},
    Setting{.key = "mongodb_warm_minimum",
            .member = &S::mongodb_warm_minimum,
            .about = "Connections that are kept open while idle.",
            .max = 1000},
    Setting{.key = "mongodb_queue_limit",
            .member = &S::mongodb_queue_limit,
            .about = "Requests that may wait for a connection; more are answered with 503.",
            .min = 1,
            .max = 1'000'000},
    Setting{.key = "mongodb_connect_attempts",
            .member = &S::mongodb_connect_attempts,
            .about = "Attempts to connect at the start, with 2 to 10 seconds between them.",
            .min = 1,
            .max = 100},
    Setting{.key = "dialect",
            .member = &S::dialect,
            .about = "What kind of server the database is: mongodb, localdb, cosmos-ru or "
                     "documentdb; detected without it.",
            .check = check_dialect},
    Setting{.key = "cosmos_capabilities",
            .member = &S::cosmos_capabilities,
            .about = "Capabilities of the Azure Cosmos DB account, comma-separated, as az cosmosdb "
                     "show lists them; it does not tell them itself.",
            .check = check_capabilities},
    Setting{.key = "cosmos_throughput",
            .member = &S::cosmos_throughput,
            .about = "Request units a second that new collections on Azure Cosmos DB (RU) get: "
                     "NUMBER, or autoscale:NUMBER for up to so many; 400 without it.",
            .check = check_throughput},
    Setting{.key = "cosmos_sharded",
            .member = &S::cosmos_sharded,
            .about =
                "Give new collections on Azure Cosmos DB (RU) their shard keys, which they need "
                "past 20 GB or 10,000 request units a second."},
    Setting{.key = "request_charge_percent",
            .member = &S::request_charge_percent,
            .about = "Part of all units of work whose commands are asked about for their request "
                     "charge, on Azure Cosmos DB (RU): a round trip more for each. 0 asks about "
                     "none.",
            .max = 100},
    Setting{.key = "key_vault_poll_interval",
            .member = &S::key_vault_poll_interval,
            .about = "Time between two looks for a new version of the secret.",
            .min = 1000},
    Setting{.key = "key_vault_suffixes",
            .member = &S::key_vault_suffixes,
            .about = "More domains that vaults may stand in, comma-separated, besides those of "
                     "Azure's clouds."},
    Setting{.key = "key_vault_tenant",
            .member = &S::key_vault_tenant,
            .about = "Tenant of the vault, where it is not the identity's own."},
    Setting{.key = "azure_credential",
            .member = &S::azure_credential,
            .about = "The one credential to use instead of the chain: EnvironmentCredential, "
                     "WorkloadIdentityCredential, ManagedIdentityCredential, AzureCliCredential, "
                     "prod or dev. AZURE_TOKEN_CREDENTIALS says the same."},
    Setting{.key = "azure_managed_identity",
            .member = &S::azure_managed_identity,
            .about = "A user-assigned identity: client_id=ID, object_id=ID or resource_id=ID; "
                     "without it AZURE_CLIENT_ID's, or the system-assigned one.",
            .check = check_managed_identity},
    Setting{.key = "azure_connect_to",
            .member = &S::azure_connect_to,
            .about = "HOST:PORT:ADDRESS:PORT, comma-separated: where requests to Azure's hosts go "
                     "instead, for private endpoints. Names and certificates are checked as ever."},
    Setting{.key = "azure_ca_file",
            .member = &S::azure_ca_file,
            .about = "PEM file with the authorities that Azure's certificates are checked by; the "
                     "system's without it."},
    Setting{.key = "jwt_secret",
            .member = &S::jwt_secret,
            .about = "Key that signs access tokens, at least 32 bytes; without it one is made and "
                     "kept in the data folder.",
            .check = check_jwt_secret},
    Setting{.key = "jwt_previous_secret",
            .member = &S::jwt_previous_secret,
            .about = "The key before that one: it signs nothing, and what it signed stays good. "
                     "Until its tokens have ended, so that a change of key ends no session.",
            .check = check_jwt_secret},
    Setting{.key = "encryption_keys",
            .member = &S::encryption_keys,
            .about =
                "Keys that encrypt the secrets of second factors in the database, each of at "
                "least 32 bytes, comma-separated: the first one encrypts, all decrypt. Without "
                "them one is made and kept in the data folder; where the database is a "
                "server's, nobody can begin a second factor.",
            .check = check_encryption_keys},
    Setting{.key = "token_issuer",
            .member = &S::token_issuer,
            .about = "`iss` and `aud` of access tokens: the same for all instances, another one "
                     "for another service with the same key.",
            .check = check_not_empty},
    Setting{.key = "token_lifetime",
            .member = &S::token_lifetime,
            .about = "Time that an access token is good for.",
            .min = 1000},
    Setting{.key = "session_lifetime",
            .member = &S::session_lifetime,
            .about = "Time after which a login ends, however often it is refreshed.",
            .min = 1000},
    Setting{.key = "session_idle_lifetime",
            .member = &S::session_idle_lifetime,
            .about = "Time after which a login ends that is not refreshed.",
            .min = 1000},
    Setting{.key = "hide_taken_email",
            .member = &S::hide_taken_email,
            .about = "Answer 202 to every registration, so that nobody learns which emails are "
                     "taken; the rest is mailed."},
    Setting{.key = "require_verified_email",
            .member = &S::require_verified_email,
            .about = "Let a login wait until the email is confirmed."},
    Setting{.key = "allow_special_use_domains",
            .member = &S::allow_special_use_domains,
            .about = "Let emails register that no mail reaches: .test, .invalid, .local, ..."},
    Setting{.key = "service_name",
            .member = &S::service_name,
            .about = "What mails and authenticator programs call this service.",
            .check = check_not_empty},
    Setting{.key = "confirm_email_page",
            .member = &S::confirm_email_page,
            .about = "Page of the front end that mails lead to with #token=..., to confirm an "
                     "email; without it mails hold the token alone."},
    Setting{.key = "reset_password_page",
            .member = &S::reset_password_page,
            .about = "The same to set a new password."},
    Setting{.key = "bcrypt_rounds",
            .member = &S::bcrypt_rounds,
            .about = "Cost of a new password hash: each step doubles the time.",
            .min = 4,
            .max = 16},
    Setting{.key = "request_timeout",
            .member = &S::request_timeout,
            .about = "Time that a request may take, waiting included.",
            .min = 100},
    Setting{.key = "shutdown_grace",
            .member = &S::shutdown_grace,
            .about = "Time from a signal to end until no request is taken any more, during which "
                     "/readyz says 503 and every response ends its connection: as long as a proxy "
                     "takes to notice, twice the time between its looks at /readyz."},
    Setting{.key = "drain_timeout",
            .member = &S::drain_timeout,
            .about =
                "Time that requests in work get to finish once no more are taken; four seconds "
                "later the service ends whatever the database holds."},
    Setting{.key = "sweep_interval",
            .member = &S::sweep_interval,
            .about = "Time between two sweeps, which finish or refund what a crash left.",
            .min = 10},
    Setting{.key = "charge_grace",
            .member = &S::charge_grace,
            .about = "Age from which an unfinished charge is the sweep's.",
            .min = 100},
    Setting{.key = "limits",
            .member = &S::limits,
            .about = "Changes to the default rate limits, TIER.CLASS = QUOTAS with \";\" between "
                     "them, such as free.generate = 5/1m, 50/1d; enterprise.* = unlimited.",
            .check = check_limits},
    Setting{
        .key = "usage_queue_limit",
        .member = &S::usage_queue_limit,
        .about = "Entries of the usage log that may wait for a slow database; more are dropped.",
        .min = 1,
        .max = 10'000'000},
    Setting{.key = "stripe_secret_key",
            .member = &S::stripe_secret_key,
            .about = "Key of Stripe's API, sk_...; without it nothing is sold."},
    Setting{.key = "stripe_webhook_secrets",
            .member = &S::stripe_webhook_secrets,
            .about = "Secrets of the webhook endpoint, whsec_..., comma-separated: two while one "
                     "is rolled."},
    Setting{.key = "replicate_webhook_secrets",
            .member = &S::replicate_webhook_secrets,
            .about = "Secrets of Replicate's webhooks, whsec_..., comma-separated: two while one "
                     "is replaced. Without one its events are refused.",
            .check = check_replicate_secrets},
    Setting{.key = "public_url",
            .member = &S::public_url,
            .about = "Where clients reach the service, such as https://api.example.com; links to "
                     "images begin with it. Without one they begin with the address it listens on.",
            .check = check_url},
    Setting{.key = "worker_parallel",
            .member = &S::worker_parallel,
            .about = "Generations that this process works on at once; 0 leaves them to others, "
                     "such as `gesso work`.",
            .max = 10'000},
    Setting{.key = "worker_listen",
            .member = &S::worker_listen,
            .about = "Where `gesso work` answers /healthz, /readyz and /metrics, such as "
                     "127.0.0.1:8081; nowhere without one.",
            .check = check_listen},
    Setting{.key = "worker_parallel_per_user",
            .member = &S::worker_parallel_per_user,
            .about = "How many of these may be one user's.",
            .min = 1,
            .max = 10'000},
    Setting{.key = "worker_lease",
            .member = &S::worker_lease,
            .about = "For how long a generation is a worker's that gives no sign of life.",
            .min = 1000},
    Setting{.key = "model_stable_diffusion_xl",
            .member = &S::model_stable_diffusion_xl,
            .about = "Who paints stable-diffusion-xl: PROVIDER MODEL, credits=NUMBER an image, "
                     "SIZE=SIZE, FIELD=VALUE, such as replicate stability-ai/sdxl:VERSION, "
                     "credits=1. Without one previews are drawn, which no model is needed for.",
            .check = check_model},
    Setting{.key = "model_stable_diffusion_v2",
            .member = &S::model_stable_diffusion_v2,
            .about = "Who paints stable-diffusion-v2, in the same way.",
            .check = check_model},
    Setting{.key = "model_dalle_3",
            .member = &S::model_dalle_3,
            .about = "Who paints dalle-3, in the same way; its maker has it no more: openai "
                     "gpt-image-2, credits=4, 1792x1024=1536x1024, 1024x1792=1024x1536.",
            .check = check_model},
    Setting{.key = "preview_edge",
            .member = &S::preview_edge,
            .about = "Longest edge of previews in pixels; 0 draws them as large as asked for.",
            .max = 4096},
    Setting{.key = "image_container_url",
            .member = &S::image_container_url,
            .about = "Container of Azure Blob Storage that keeps the images, such as "
                     "https://ACCOUNT.blob.core.windows.net/images; without one they are in the "
                     "data folder.",
            .check = check_container_url},
    Setting{.key = "image_container_tenant",
            .member = &S::image_container_tenant,
            .about = "Tenant of that container's account, where it is not the identity's own."},
    Setting{.key = "image_link_lifetime",
            .member = &S::image_link_lifetime,
            .about = "For how long a link to an image is good, at least.",
            .min = 1000,
            .max = 3'600'000 * 24},
    Setting{.key = "image_grace",
            .member = &S::image_grace,
            .about = "Age from which an image that no generation has is the sweep's; longer than a "
                     "worker takes from an image to its generation's end.",
            .min = 100},
    Setting{.key = "replicate_api_token",
            .member = &S::replicate_api_token,
            .about = "Token of Replicate's API, r8_..., for models that it paints."},
    Setting{.key = "replicate_api_url",
            .member = &S::replicate_api_url,
            .about = "Where Replicate's API is, for tests.",
            .check = check_not_empty_url},
    Setting{.key = "replicate_file_origins",
            .member = &S::replicate_file_origins,
            .about = "Where the images that Replicate painted may be fetched from, "
                     "comma-separated."},
    Setting{.key = "replicate_parallel",
            .member = &S::replicate_parallel,
            .about = "Generations that this process has at Replicate at once.",
            .min = 1,
            .max = 10'000},
    Setting{.key = "openai_api_key",
            .member = &S::openai_api_key,
            .about = "Key of OpenAI's API, sk-..., for models that it paints."},
    Setting{.key = "openai_api_url",
            .member = &S::openai_api_url,
            .about = "Where OpenAI's API is, for tests.",
            .check = check_not_empty_url},
    Setting{.key = "openai_parallel",
            .member = &S::openai_parallel,
            .about = "Generations that this process has at OpenAI at once, a thread each.",
            .min = 1,
            .max = 1'000},
    Setting{.key = "stripe_api_url",
            .member = &S::stripe_api_url,
            .about = "Where Stripe's API is, for tests.",
            .check = check_url},
    Setting{.key = "plan_basic",
            .member = &S::plan_basic,
            .about = "The plan basic: credits=NUMBER a month, monthly=CENTS:PRICE_ID, "
                     "yearly=CENTS:PRICE_ID, with Stripe's ids; an interval without one is not "
                     "sold.",
            .check = check_plan},
    Setting{.key = "plan_pro",
            .member = &S::plan_pro,
            .about = "The plan pro, in the same way.",
            .check = check_plan},
    Setting{.key = "plan_enterprise",
            .member = &S::plan_enterprise,
            .about = "The plan enterprise, in the same way.",
            .check = check_plan},
    Setting{.key = "plan_currency",
            .member = &S::plan_currency,
            .about = "Currency of the plans' prices, as Stripe spells it.",
            .check = check_not_empty},
    Setting{.key = "local_plans",
            .member = &S::local_plans,
            .about = "Let users take plans without paying, where no key of Stripe is set."},
    Setting{.key = "payment_grace",
            .member = &S::payment_grace,
            .about = "Time after the end of what was paid in which a payment may still come."},
    Setting{.key = "checkout_success_url",
            .member = &S::checkout_success_url,
            .about = "Where Stripe sends a user who has bought; may hold {CHECKOUT_SESSION_ID}.",
            .check = check_url},
    Setting{.key = "checkout_cancel_url",
            .member = &S::checkout_cancel_url,
            .about = "Where Stripe sends a user who has not.",
            .check = check_url},
    Setting{.key = "portal_return_url",
            .member = &S::portal_return_url,
            .about = "Where Stripe's customer portal leads back to.",
            .check = check_url},
    Setting{.key = "io_threads",
            .member = &S::io_threads,
            .about = "Threads that read and write HTTP.",
            .min = 1,
            .max = 256},
    Setting{.key = "max_connections",
            .member = &S::max_connections,
            .about = "HTTP connections that are open at once; more are turned away.",
            .min = 1,
            .max = 1'000'000},
    Setting{.key = "max_connections_per_address",
            .member = &S::max_connections_per_address,
            .about = "The same for those of one address, trusted proxies apart; 0 is no limit.",
            .max = 1'000'000},
    Setting{.key = "tls_certificate_file",
            .member = &S::tls_certificate_file,
            .about = "Certificate and chain in PEM, served when it changes; empty is plain HTTP."},
    Setting{.key = "tls_key_file",
            .member = &S::tls_key_file,
            .about = "The certificate's private key in PEM."},
    Setting{.key = "strict_transport",
            .member = &S::strict_transport,
            .about = "Strict-Transport-Security of responses over HTTPS; empty: none. "
                     "includeSubDomains is for all hosts below this one, whoever serves them.",
            .check = check_strict_transport},
    Setting{.key = "trusted_proxies",
            .member = &S::trusted_proxies,
            .about = "Networks of the proxies whose word on the caller's address is taken: "
                     "10.0.0.0/8, ..."},
    Setting{.key = "forwarded_fields",
            .member = &S::forwarded_fields,
            .about =
                "Which fields those set: x-forwarded (X-Forwarded-For and -Proto) or forwarded "
                "(RFC 7239).",
            .check = check_forwarded_fields},
    Setting{.key = "cors_origins",
            .member = &S::cors_origins,
            .about = "Origins whose pages may call: https://app.example, ...; * is every one."},
    Setting{.key = "cors_credentials",
            .member = &S::cors_credentials,
            .about = "Whether those pages may send cookies."},
    Setting{.key = "smtp_host",
            .member = &S::smtp_host,
            .about = "Mail server that mails are sent by; without it they are written to the log."},
    Setting{.key = "smtp_port",
            .member = &S::smtp_port,
            .about = "Port of the mail server: 587 with STARTTLS, 465 with TLS from the start.",
            .min = 1,
            .max = 65'535},
    Setting{.key = "smtp_tls",
            .member = &S::smtp_tls,
            .about = "How the way to the mail server is encrypted: starttls, implicit, or none for "
                     "a relay on this machine.",
            .check = check_smtp_tls},
    Setting{.key = "smtp_user",
            .member = &S::smtp_user,
            .about = "User of the mail server; without one it is not asked to let us in."},
    Setting{.key = "smtp_password", .member = &S::smtp_password, .about = "Password of that user."},
    Setting{.key = "smtp_from",
            .member = &S::smtp_from,
            .about = "Address that mails come from, such as no-reply@example.com."},
    Setting{.key = "smtp_from_name",
            .member = &S::smtp_from_name,
            .about = "Name beside that address."},
    Setting{.key = "smtp_ca_file",
            .member = &S::smtp_ca_file,
            .about = "PEM file with the authorities that the mail server's certificate is checked "
                     "by; the system's without it."},
    Setting{.key = "oauth_redirect_uri",
            .member = &S::oauth_redirect_uri,
            .about = "Where providers send browsers back to, with {provider} for the provider's "
                     "name: exactly as registered with them.",
            .check = check_redirect_uri},
    Setting{.key = "google_client_id",
            .member = &S::google_client_id,
            .about = "The service's client id at Google; without one nobody signs in with it."},
    Setting{.key = "google_client_secret",
            .member = &S::google_client_secret,
            .about = "The client secret that Google gave."},
    Setting{.key = "google_hosted_domain",
            .member = &S::google_hosted_domain,
            .about = "The one Workspace domain whose accounts may sign in; without it any may."},
    Setting{.key = "google_url",
            .member = &S::google_url,
            .about = "Issuer that is asked in Google's place, for tests.",
            .check = check_not_empty},
    Setting{.key = "microsoft_client_id",
            .member = &S::microsoft_client_id,
            .about = "The service's application id at Microsoft; without one nobody signs in with "
                     "it."},
    Setting{.key = "microsoft_client_secret",
            .member = &S::microsoft_client_secret,
            .about = "The client secret that Microsoft gave."},
    Setting{.key = "microsoft_tenant",
            .member = &S::microsoft_tenant,
            .about = "Whose accounts may sign in: a tenant's id, common, organizations or "
                     "consumers.",
            .check = check_not_empty},
    Setting{.key = "microsoft_url",
            .member = &S::microsoft_url,
            .about = "The identity platform, where it is a national cloud's.",
            .check = check_not_empty},
    Setting{.key = "github_client_id",
            .member = &S::github_client_id,
            .about = "The service's client id at GitHub; without one nobody signs in with it."},
    Setting{.key = "github_client_secret",
            .member = &S::github_client_secret,
            .about = "The client secret that GitHub gave."},
    Setting{.key = "github_url",
            .member = &S::github_url,
            .about = "GitHub, where it is an Enterprise Server of one's own.",
            .check = check_not_empty},
    Setting{.key = "log_level",
            .member = &S::log_level,
            .about = "What is logged to stderr: trace, debug, info, warn, error or off.",
            .check = check_log_level},
    Setting{.key = "log_format",
            .member = &S::log_format,
            .about = "How a line of the log is written: text for people, json for machines.",
            .check = check_log_format},
    Setting{.key = "access_log", .member = &S::access_log, .about = "Log a line for each request."},
};

std::string upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return result;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Unit {
  std::string_view name;
  std::int64_t millis;
};
constexpr std::array kUnits{Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1000},
                            Unit{"ms", 1}};

std::string duration_text(std::chrono::milliseconds value) {
  for (const Unit& unit : kUnits) {
    if (value.count() % unit.millis == 0 && value.count() >= unit.millis) {
      return std::to_string(value.count() / unit.millis) + std::string(unit.name);
    }
  }
  return "0s";
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string integer_range(const Setting& setting) {
  if (setting.max == std::numeric_limits<std::int64_t>::max()) {
    return "integer of at least " + std::to_string(setting.min);
  }
  return "integer from " + std::to_string(setting.min) + " to " + std::to_string(setting.max);
}

// Variables that are read elsewhere: where the settings' file is, and the keys of `gesso localdb
// --account`.
bool is_no_setting(std::string_view name) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"GESSO_CONFIG", "GESSO_LOCALDB_PRIMARY_KEY", "GESSO_LOCALDB_SECONDARY_KEY"});
  return std::ranges::find(kNames, name) != kNames.end();
}

// Collects what is wrong, and sets what is right.
class Loader {
  LoadedSettings loaded_;
  std::vector<Violation> violations_;
  std::string message_;

  void violate(const std::string& origin, std::string_view key, std::string_view type,
               std::string expected, std::string found) {
    if (!message_.empty()) message_ += '\n';
    const std::string message = "expected " + expected + ", found " + found;
    message_ += origin + ": " + std::string(key) + ": " + message;
    violations_.push_back({.path = {std::string(key)},
                           .type = std::string(type),
                           .message = message,
                           .expected = std::move(expected),
                           .found = std::move(found)});
  }

  bool set_text(const std::string& origin, const Setting& setting, std::string_view text) {
    if (setting.check == nullptr) return true;
    auto expected = setting.check(text);
    if (!expected) return true;
    violate(origin, setting.key, "value_error", std::move(*expected),
            setting.is_secret() ? std::to_string(text.size()) + " bytes" : quoted(text));
    return false;
  }

  bool check_duration(const std::string& origin, const Setting& setting, std::string_view text) {
    const auto value = parse_duration(text);
    if (!value || value->count() < setting.min) {
      std::string expected = "duration such as 500ms, 30s, 5m or 2h";
      if (value) expected += ", at least " + std::to_string(setting.min) + "ms";
      violate(origin, setting.key, "type_error", std::move(expected), quoted(text));
      return false;
    }
    loaded_.values.*std::get<std::chrono::milliseconds Settings::*>(setting.member) = *value;
    return true;
  }

  bool check_integer(const std::string& origin, const Setting& setting, std::int64_t value) {
    if (value >= setting.min && value <= setting.max) return true;
    violate(origin, setting.key, "value_error", integer_range(setting), std::to_string(value));
    return false;
  }

  // A value as the file has it: with a type.
  bool set(const std::string& origin, const Setting& setting, const TomlValue& value) {
    const auto wrong_type = [&](std::string expected) {
      violate(origin, setting.key, "type_error", std::move(expected),
              value.type + (setting.is_secret() || value.text.empty() ? "" : " " + value.text));
      return false;
    };
    return std::visit(
        [&]<class T>(T Settings::*member) {
          if constexpr (std::is_same_v<T, bool>) {
            if (!value.boolean) return wrong_type("boolean");
            loaded_.values.*member = *value.boolean;
            return true;
          } else if constexpr (std::is_same_v<T, std::int64_t>) {
            if (!value.integer) return wrong_type(integer_range(setting));
            loaded_.values.*member = *value.integer;
            return check_integer(origin, setting, *value.integer);
          } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
            if (!value.string) return wrong_type("string with a duration, such as \"30s\"");
            return check_duration(origin, setting, *value.string);
          } else {
            if (!value.string) return wrong_type("string");
            loaded_.values.*member = T(std::string_view(*value.string));
            return set_text(origin, setting, *value.string);
          }
        },
        setting.member);
  }

  // A value as flags and the environment have it: as text.
  bool set(const std::string& origin, const Setting& setting, std::string_view text) {
    return std::visit(
        [&]<class T>(T Settings::*member) {
          if constexpr (std::is_same_v<T, bool>) {
            const bool yes = text == "true" || text == "1";
            if (!yes && text != "false" && text != "0") {
              violate(origin, setting.key, "type_error", "true or false", quoted(text));
              return false;
            }
            loaded_.values.*member = yes;
            return true;
          } else if constexpr (std::is_same_v<T, std::int64_t>) {
            const auto value = parse_integer(text);
            if (!value) {
              violate(origin, setting.key, "type_error", integer_range(setting), quoted(text));
              return false;
            }
            loaded_.values.*member = *value;
            return check_integer(origin, setting, *value);
          } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
            return check_duration(origin, setting, text);
          } else {
            loaded_.values.*member = T(text);
            return set_text(origin, setting, text);
          }
        },
        setting.member);
  }

  template <class Value>
  void take(const std::string& origin, const Setting& setting, const Value& value) {
    if (set(origin, setting, value)) {
      loaded_.origins[static_cast<std::size_t>(&setting - kTable.data())] = origin;
    }
  }

  void unknown(const std::string& origin, std::string_view name,
               std::span<const std::string_view> known, std::string_view what) {
    const auto near = nearest(name, known);
    violate(origin, name, "unknown_setting",
            near ? "a known " + std::string(what) + ", perhaps " + std::string(*near)
                 : "a known " + std::string(what) + " (`gesso config` lists them)",
            "one that does not exist");
  }

 public:
  Loader() { loaded_.origins.assign(kTable.size(), "default"); }

  void take_file(const SettingSources& sources) {
    std::vector<std::string_view> keys;
    for (const Setting& setting : kTable) keys.push_back(setting.key);
    for (const TomlValue& value : parse_toml(sources.file_text, sources.file_name)) {
      const std::string origin = sources.file_name + ":" + std::to_string(value.line);
      if (const Setting* setting = find_setting(value.key)) {
        take(origin, *setting, value);
      } else {
        unknown(origin, value.key, keys, "setting");
      }
    }
  }

  void take_environment(const SettingSources& sources) {
    std::vector<std::string> names;
    for (const Setting& setting : kTable) names.push_back(setting.environment_name());
    for (const auto& [name, text] : sources.environment) {
      if (!name.starts_with(kPrefix) || name.starts_with("GESSO_TEST_") || is_no_setting(name)) {
        continue;
      }
      const auto found = std::ranges::find(names, name);
      if (found != names.end()) {
        take(name, kTable[static_cast<std::size_t>(found - names.begin())], std::string_view(text));
      } else {
        const std::vector<std::string_view> known(names.begin(), names.end());
        unknown("environment", name, known, "variable");
      }
    }
  }

  void take_flags(const SettingSources& sources) {
    for (const auto& [key, text] : sources.flags) {
      if (const Setting* setting = find_setting(key)) {
        take(setting->flag(), *setting, std::string_view(text));
      }
    }
  }

  LoadedSettings finish() {
    if (!violations_.empty()) {
      throw Error(ErrorKind::kValidation, message_, {.violations = std::move(violations_)});
    }
    return std::move(loaded_);
  }
};

}  // namespace

std::string Setting::environment_name() const { return std::string(kPrefix) + upper(key); }

std::string Setting::flag() const {
  std::string text = "--" + std::string(key);
  std::ranges::replace(text, '_', '-');
  return text;
}

std::span<const Setting> setting_table() { return kTable; }

const Setting* find_setting(std::string_view key) {
  const auto* found = std::ranges::find(kTable, key, &Setting::key);
  return found == kTable.end() ? nullptr : found;
}

LoadedSettings load_settings(const SettingSources& sources) {
  Loader loader;
  loader.take_file(sources);
  loader.take_environment(sources);
  loader.take_flags(sources);
  return loader.finish();
}

std::string show(const Settings& settings, const Setting& setting) {
  return std::visit(
      [&]<class T>(T Settings::*member) -> std::string {
        const T& value = settings.*member;
        if constexpr (std::is_same_v<T, bool>) {
          return value ? "true" : "false";
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
          return std::to_string(value);
        } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
          return duration_text(value);
        } else if constexpr (std::is_same_v<T, Secret>) {
          return value.empty() ? "(not set)" : "(hidden)";
        } else {
          return value.empty() ? "(not set)" : value;
        }
      },
      setting.member);
}

std::optional<std::string_view> nearest(std::string_view text,
                                        std::span<const std::string_view> candidates) {
  // Levenshtein's distance, one row at a time. Long texts are no slips, and would take long.
  if (text.size() > 100) return std::nullopt;
  const auto distance = [text](std::string_view other) {
    std::vector<std::size_t> row(text.size() + 1);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = i;
    for (std::size_t j = 0; j < other.size(); ++j) {
      std::size_t diagonal = row[0];
      row[0] = j + 1;
      for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t change = diagonal + (text[i] == other[j] ? 0 : 1);
        diagonal = row[i + 1];
        row[i + 1] = std::min({row[i] + 1, row[i + 1] + 1, change});
      }
    }
    return row.back();
  };
  std::optional<std::string_view> best;
  std::size_t fewest = std::max<std::size_t>(2, text.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t edits = distance(candidate);
    if (edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

Settings clone(const Settings& settings) {
  Settings copy;
  const auto copy_member = [&](auto member) {
    if constexpr (std::is_same_v<decltype(member), Secret Settings::*>) {
      copy.*member = (settings.*member).clone();
    } else {
      copy.*member = settings.*member;
    }
  };
  for (const Setting& setting : kTable) std::visit(copy_member, setting.member);
  return copy;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_integer(text.substr(0, digits));
  const auto* unit = std::ranges::find(kUnits, text.substr(digits), &Unit::name);
  constexpr std::int64_t kMostDays = 3650;
  if (!number || unit == kUnits.end() || *number > kMostDays * 86'400'000 / unit->millis) {
    return std::nullopt;
  }
  return std::chrono::milliseconds{*number * unit->millis};
}

std::optional<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of(":[] /") != std::string_view::npos) {
    return std::nullopt;
  }
  return Address{.host = std::string(host), .port = static_cast<std::uint16_t>(*port)};
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.push_back(part);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

}  // namespace gesso::cli
