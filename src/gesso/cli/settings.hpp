// What can be set, where each value came from, and how it is read: flags over the environment over
// a TOML file over defaults.
//
// One table declares every setting. The key `data_dir` is `data_dir = "..."` in the file,
// `GESSO_DATA_DIR` in the environment and `--data-dir` on the command line. Pure functions; the
// process's own environment and files are read in sources.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gesso/base/secret.hpp"

namespace gesso::cli {

struct Settings {
  std::string listen = "127.0.0.1:8080";
  std::string data_dir = "data";
  Secret mongodb_uri;
  std::string key_vault_url;
  std::string mongodb_secret = "mongodb-connection-string";
  std::string database = "imagegenerator";
  std::string mongodb_tls_ca_file;
  std::int64_t mongodb_pool_size = 50;
  std::int64_t mongodb_warm_minimum = 10;
  std::int64_t mongodb_queue_limit = 1000;
  std::int64_t mongodb_connect_attempts = 3;
  std::string dialect;
  std::string cosmos_capabilities;
  std::string cosmos_throughput;
  bool cosmos_sharded = false;
  std::int64_t request_charge_percent = 5;
  std::chrono::milliseconds key_vault_poll_interval = std::chrono::minutes{5};
  std::string key_vault_suffixes;
  std::string key_vault_tenant;
  std::string azure_credential;
  std::string azure_managed_identity;
  std::string azure_connect_to;
  std::string azure_ca_file;
  Secret jwt_secret;
  Secret jwt_previous_secret;
  Secret encryption_keys;
  std::string token_issuer = "gesso";
  std::chrono::milliseconds token_lifetime = std::chrono::minutes{15};
  std::chrono::milliseconds session_lifetime = std::chrono::hours{24 * 30};
  std::chrono::milliseconds session_idle_lifetime = std::chrono::hours{24 * 14};
  bool hide_taken_email = false;
  bool require_verified_email = false;
  bool allow_special_use_domains = false;
  std::string service_name = "Gesso";
  std::string confirm_email_page;
  std::string reset_password_page;
  std::int64_t bcrypt_rounds = 12;
  std::chrono::milliseconds request_timeout = std::chrono::seconds{30};
  std::chrono::milliseconds shutdown_grace{0};
  std::chrono::milliseconds drain_timeout = std::chrono::seconds{10};
  std::chrono::milliseconds sweep_interval = std::chrono::minutes{1};
  std::chrono::milliseconds charge_grace = std::chrono::minutes{5};
  std::string limits;
  std::int64_t usage_queue_limit = 50'000;
  Secret stripe_secret_key;
  Secret stripe_webhook_secrets;
  Secret replicate_webhook_secrets;
  std::string public_url;
  std::int64_t worker_parallel = 64;
  std::string worker_listen;
  std::int64_t worker_parallel_per_user = 16;
  std::chrono::milliseconds worker_lease = std::chrono::minutes{2};
  std::string model_stable_diffusion_xl;
  std::string model_stable_diffusion_v2;
  std::string model_dalle_3;
  std::int64_t preview_edge = 0;
  std::string image_container_url;
  std::string image_container_tenant;
  std::chrono::milliseconds image_link_lifetime = std::chrono::hours{1};
  std::chrono::milliseconds image_grace = std::chrono::hours{1};
  Secret replicate_api_token;
  std::string replicate_api_url = "https://api.replicate.com";
  std::string replicate_file_origins = "https://replicate.delivery, https://*.replicate.delivery";
  std::int64_t replicate_parallel = 50;
  Secret openai_api_key;
  std::string openai_api_url = "https://api.openai.com";
  std::int64_t openai_parallel = 8;
  std::string stripe_api_url = "https://api.stripe.com";
  std::string plan_basic;
  std::string plan_pro;
  std::string plan_enterprise;
  std::string plan_currency = "usd";
  bool local_plans = false;
  std::chrono::milliseconds payment_grace = std::chrono::days{3};
  std::string checkout_success_url;
  std::string checkout_cancel_url;
  std::string portal_return_url;
  std::int64_t io_threads = 2;
  std::int64_t max_connections = 4096;
  std::int64_t max_connections_per_address = 0;
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::string strict_transport = "max-age=31536000; includeSubDomains";
  std::string trusted_proxies;
  std::string forwarded_fields = "x-forwarded";
  std::string cors_origins;
  bool cors_credentials = false;
  std::string smtp_host;
  std::int64_t smtp_port = 587;
  std::string smtp_tls = "starttls";
  std::string smtp_user;
  Secret smtp_password;
  std::string smtp_from;
  std::string smtp_from_name = "Gesso";
  std::string smtp_ca_file;
  std::string oauth_redirect_uri;
  std::string google_client_id;
  Secret google_client_secret;
  std::string google_hosted_domain;
  std::string google_url = "https://accounts.google.com";
  std::string microsoft_client_id;
  Secret microsoft_client_secret;
  std::string microsoft_tenant = "common";
  std::string microsoft_url = "https://login.microsoftonline.com";
  std::string github_client_id;
  Secret github_client_secret;
  std::string github_url = "https://github.com";
  std::string log_level = "info";
  std::string log_format = "text";
  bool access_log = false;
};

// A copy, its secrets too.
[[nodiscard]] Settings clone(const Settings& settings);

// The parts of "a, b,c", within the text.
[[nodiscard]] std::vector<std::string_view> parts_of(std::string_view text);
// The same as texts of their own, or as secrets.
template <class T = std::string>
[[nodiscard]] std::vector<T> list_of(std::string_view text) {
  std::vector<T> list;
  for (const std::string_view part : parts_of(text)) list.emplace_back(part);
  return list;
}

// One row of the table.
struct Setting {
  using Member = std::variant<std::string Settings::*, Secret Settings::*, std::int64_t Settings::*,
                              bool Settings::*, std::chrono::milliseconds Settings::*>;

  std::string_view key;
  Member member;
  std::string_view about;
  std::int64_t min = 0;  // of an integer, or of a duration in milliseconds
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  // What is wrong with a text, as what was expected instead; std::nullopt if nothing is.
  std::optional<std::string> (*check)(std::string_view) = nullptr;

  [[nodiscard]] bool is_secret() const {
    return std::holds_alternative<Secret Settings::*>(member);
  }
  [[nodiscard]] bool is_switch() const { return std::holds_alternative<bool Settings::*>(member); }
  [[nodiscard]] std::string environment_name() const;  // "GESSO_DATA_DIR"
  [[nodiscard]] std::string flag() const;              // "--data-dir"
};

// Every setting, in the order of `Settings`.
[[nodiscard]] std::span<const Setting> setting_table();
// The row of a key, nullptr if there is none.
[[nodiscard]] const Setting* find_setting(std::string_view key);

struct SettingSources {
  std::vector<std::pair<std::string, std::string>> flags = {};  // key and text
  std::vector<std::pair<std::string, std::string>> environment =
      {};                      // every variable, name and text
  std::string file_name = {};  // for messages
  std::string file_text = {};  // TOML; empty where there is none
};

struct LoadedSettings {
  Settings values;
  std::vector<std::string>
      origins;  // by row: "default", "gesso.toml:3", "GESSO_LISTEN", "--listen"
};

// Throws Error (kValidation) that names all that is wrong (never a secret's value): also a key or a
// GESSO_ variable that is not in the table, and the nearest one. GESSO_TEST_*, GESSO_CONFIG and
// GESSO_LOCALDB_PRIMARY_KEY and _SECONDARY_KEY are not read here, and pass.
[[nodiscard]] LoadedSettings load_settings(const SettingSources& sources);

// A setting's value for people; "(hidden)" for a secret that is set, "(not set)" for an empty one.
[[nodiscard]] std::string show(const Settings& settings, const Setting& setting);

// The candidate that takes the fewest edits from `text`, if they are few enough to be a slip.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view text,
                                                      std::span<const std::string_view> candidates);

// "500ms", "30s", "5m", "2h".
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

struct Address {
  std::string host;  // without brackets
  std::uint16_t port = 0;

  friend bool operator==(const Address&, const Address&) = default;
};

// "127.0.0.1:8080", "[::1]:8080", "localhost:0", ":8080" (every address).
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);

}  // namespace gesso::cli
