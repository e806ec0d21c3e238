// `gesso doctor`: who we are, the vault, the secret, the database: what works, and what to do about
// what does not.
//
// Changes nothing, but for a blob that it writes where images are kept and removes at once. Ends
// within two minutes, whatever does not answer: each step has a time of its own. Ctrl-C has its
// default effect.
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "gesso/azure/token_claims.hpp"
#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/cli/command.hpp"
#include "gesso/cli/database.hpp"
#include "gesso/cli/doctor_checks.hpp"
#include "gesso/cli/doctor_images.hpp"
#include "gesso/cli/doctor_report.hpp"
#include "gesso/cli/image_container.hpp"
#include "gesso/cli/painting.hpp"
#include "gesso/cli/vault.hpp"
#include "gesso/client/retry.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/mongo/uri.hpp"
#include "gesso/repositories/indexes.hpp"

namespace gesso::cli {
namespace {

using namespace std::chrono_literals;

// Connecting takes ten seconds more at most.
constexpr std::chrono::seconds kTokenTimeout{15};
constexpr std::chrono::seconds kVaultTimeout{15};
constexpr std::chrono::seconds kImagesTimeout{10};
constexpr std::chrono::seconds kQuestionTimeout{5};
constexpr std::chrono::seconds kModelTimeout{5};
constexpr int kAttempts = 2;  // at each endpoint: one failure may be chance
constexpr std::size_t kSamples = 10;

// What Azure's clock said last.
class AzureTime {
  mutable std::mutex mutex_;  // guards reading_
  std::optional<ClockReading> reading_;

 public:
  void note(Time theirs, Time ours) {
    const std::lock_guard lock(mutex_);
    reading_ = {"Azure", theirs, ours};
  }
  [[nodiscard]] std::optional<ClockReading> reading() const {
    const std::lock_guard lock(mutex_);
    return reading_;
  }
};

// Passes requests on, and notes the date of replies that came over TLS: what answers in clear is
// this machine or its host.
class DateWatch final : public client::HttpClient {
  std::unique_ptr<client::HttpClient> client_;
  const Clock& clock_;
  AzureTime& time_;

 public:
  DateWatch(std::unique_ptr<client::HttpClient> client, const Clock& clock, AzureTime& time)
      : client_(std::move(client)), clock_(clock), time_(time) {}

  client::HttpResponse send(const client::HttpRequest& request, const client::Call& call) override {
    client::HttpResponse response = client_->send(request, call);
    const auto header = response.header("date");
    const auto date = header ? client::read_http_date(*header) : std::nullopt;
    if (date && request.url.starts_with("https://")) {
      time_.note(*date + 500ms, clock_.now());  // it is cut to the second
    }
    return response;
  }
};

class Doctor {
  const Settings& settings_;
  std::ostream* lines_;  // none: nothing is said before the end
  const SystemClock clock_;
  SystemRandom random_;
  AzureTime azure_time_;
  std::vector<ClockReading> readings_;
  std::vector<Check> checks_;
  ExitCode failure_ = ExitCode::kDatabase;  // what a FAIL amounts to

  void add(Check check) {
    if (lines_ != nullptr) *lines_ << to_line(check) << std::endl;
    checks_.push_back(std::move(check));
  }

  void skip(std::initializer_list<const char*> names, const std::string& why,
            const std::string& advice = {}) {
    for (const char* name : names) add({name, Health::kSkipped, why, advice});
  }

  // A question to the database: its Check, or why there is none.
  template <class Ask>
  void question(const char* name, mongo::Service& service, Ask&& ask) {
    try {
      add(service.run(Deadline::after(kQuestionTimeout), std::forward<Ask>(ask)));
    } catch (const Error& error) {
      add({name, Health::kFail, error.what(), database_advice(error, secret_name())});
    }
  }

  // Empty without a vault.
  [[nodiscard]] std::string secret_name() const {
    return settings_.key_vault_url.empty() ? std::string() : settings_.mongodb_secret;
  }

  std::optional<azure::AccessToken> ask_identity(Vault& vault) {
    try {
      azure::AccessToken token = vault.tokens().token(
          {.resource = vault.url().resource, .tenant = settings_.key_vault_tenant},
          {.deadline = Deadline::after(kTokenTimeout)});
      std::string found = vault.tokens().name();
      const std::string tenant = azure::token_tenant(token.value);
      const std::string object = azure::token_object(token.value);
      if (!object.empty()) found += ", object " + object;
      if (!tenant.empty()) found += ", tenant " + tenant;
      add({"identity", Health::kOk, found});
      add(judge_token(token.expires_on, token.refresh_on, clock_.now()));
      return token;
    } catch (const Error& error) {
      add({"identity", Health::kFail, error.what(), identity_advice(error)});
      skip({"token", "vault", "secret"}, "no identity gave a token", "mend the identity first");
      return std::nullopt;
    }
  }

  // Puts a DateWatch before the client that sends.
  auto watching() {
    return [this](std::unique_ptr<client::HttpClient> client) {
      return std::make_unique<DateWatch>(std::move(client), clock_, azure_time_);
    };
  }

  std::optional<Secret> ask_vault() {
    Vault vault(settings_, process_environment(), clock_, random_,
                {.wrap = watching(), .attempts = kAttempts, .vault_attempts = kAttempts});
    const auto token = ask_identity(vault);
    if (!token) return std::nullopt;

    const std::string& host = vault.url().host;
    const VaultNames names{.vault = host.substr(0, host.find('.')),
                           .secret = vault.secret(),
                           .object = azure::token_object(token->value)};
    const auto begin = clock_.steady_now();
    const auto answered = [&] {
      const auto took =
          std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady_now() - begin);
      return vault.url().text + " answered in " + std::to_string(took.count()) + " ms";
    };
    try {
      azure::SecretValue secret = vault.read({.deadline = Deadline::after(kVaultTimeout)});
      add({"vault", Health::kOk, answered()});
      add(judge_secret(vault.secret(), secret.about, clock_.now()));
      return std::move(secret.value);
    } catch (const Error& error) {
      // The vault is well where it says that the secret is not.
      const bool of_secret = error.kind() == ErrorKind::kValidation;
      if (of_secret) add({"vault", Health::kOk, answered()});
      add({of_secret ? "secret" : "vault", Health::kFail, error.what(),
           vault_advice(error, names)});
      if (!of_secret) skip({"secret"}, "the vault gave none", "mend the vault first");
      return std::nullopt;
    }
  }

  void ask_clock(mongo::Session& session, ServerFacts& facts, bool remote) {
    const Time before = clock_.now();
    // Every server since 2.0 knows this name.
    const bson::Document hello = session.run_command("admin", bson::make_document("isMaster", 1));
    const Time after = clock_.now();
    facts.max_wire_version = hello["maxWireVersion"].integer().value_or(0);
    facts.can_retry_writes = mongo::can_retry_writes(hello);
    const bson::Value time = hello["localTime"];
    if (remote && time.type() == bson::Type::kDate) {
      readings_.push_back({"the database", time.as_date(), before + (after - before) / 2});
    }
  }

  // `settings` name the server, or the embedded engine.
  void ask_database(const Settings& settings) {
    std::optional<Database> database;
    std::optional<mongo::DriverUri> uri;
    try {
      if (!settings.mongodb_uri.empty() || !secret_name().empty()) {
        uri =
            mongo::prepare_uri(settings.mongodb_uri, {.tls_ca_file = settings.mongodb_tls_ca_file});
      }
      database.emplace(settings, clock_, random_);
      database->connect();
      const LoginFacts login{.credentials = database->token_credentials(),
                             .from_vault = !secret_name().empty()};
      add(uri ? judge_connection(database->description(), *uri, login)
              : Check{"connection", Health::kOk,
                      database->description() + "; a ping and a read went well"});
    } catch (const Failure& failure) {
      failure_ = failure.code();
      add({"connection", Health::kFail, failure.what(),
           failure.code() == ExitCode::kDataInUse
               ? "end the process that has it open, or set another GESSO_DATA_DIR"
           : failure.code() == ExitCode::kDataTooNew
               ? "use the version of Gesso that wrote it, or a newer one"
               : "see the folder's owner and rights, and the disk; gesso localdb --check"});
      return skip_questions();
    } catch (const Error& error) {
      // A connection string of the settings that cannot be read is the caller's to correct.
      if (error.kind() == ErrorKind::kValidation && secret_name().empty()) throw;
      const std::string server = uri ? uri->redacted.substr(0, uri->redacted.find('?')) : "";
      add({"connection", Health::kFail, server + (uri ? ": " : "") + error.what(),
           database_advice(error, secret_name())});
      return skip_questions();
    }
    ask_questions(database->service(), uri ? &*uri : nullptr);
  }

  void ask_images() {
    if (settings_.image_container_url.empty()) {
      add(judge_image_folder(std::filesystem::absolute(settings_.data_dir)));
      return;
    }
    ImageContainer container(settings_, process_environment(), clock_, random_,
                             {.wrap = watching(),
                              .attempts = kAttempts,
                              .store_attempts = kAttempts,
                              .forbidden_attempts = 1});
    add(try_container(container, settings_, clock_, random_, Deadline::after(kImagesTimeout)));
  }

  void skip_questions() {
    skip({"latency", "server", "indexes"}, "there is no connection", "mend the connection first");
  }

  void ask_questions(mongo::Service& service, const mongo::DriverUri* uri) {
    question("latency", service, [&](mongo::Session& session) {
      const auto timed = [&](auto&& ask) {
        const auto begin = clock_.steady_now();
        ask();
        return std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady_now() - begin);
      };
      Latencies pings;
      Latencies reads;
      // A slow server has shown by half of the time what it is.
      const Deadline enough = Deadline::after(kQuestionTimeout / 2);
      do {
        pings.push_back(
            timed([&] { (void)session.run_command("admin", bson::make_document("ping", 1)); }));
        reads.push_back(
            timed([&] { (void)session.find_one("users", bson::make_document("_id", "health")); }));
      } while (reads.size() < kSamples && !enough.expired());
      return judge_latency(std::move(pings), std::move(reads));
    });
    question("server", service, [&](mongo::Session& session) {
      ServerFacts facts{
          .dialect = service.dialect(),
          .capabilities =
              mongo::parse_capabilities(parts_of(settings_.cosmos_capabilities)).value(),
          .uri = uri};
      ask_clock(session, facts, uri != nullptr);
      const bson::Document build = session.run_command(bson::make_document("buildInfo", 1));
      const bson::Value version = build["version"];
      if (version.is_string()) facts.version = version.as_string();
      return judge_server(facts);
    });
    question("indexes", service, [this](mongo::Session& session) {
      return judge_indexes(mongo::plan_indexes(session, repositories::declared_indexes(),
                                               collection_options(settings_)));
    });
  }

  // Each model once that somebody else paints. Nothing is painted, nothing is paid for.
  void ask_providers() {
    const domain::ModelTable models = model_table(settings_);
    const auto http = make_provider_client(settings_);
    ProviderList list;
    try {
      list = make_providers(settings_, *http, clock_);
    } catch (const Error& error) {
      add({"models", Health::kFail, error.what(), "correct the provider's key"});
      return;
    }
    constexpr std::array kKeys{"model_stable_diffusion_xl", "model_stable_diffusion_v2",
                               "model_dalle_3"};
    std::vector<ModelFacts> facts;
    for (std::size_t i = 0; i < kKeys.size(); ++i) {
      const domain::ModelEntry& entry = models.get(static_cast<models::ModelType>(i));
      if (entry.provider == domain::ProviderKind::kPreview) continue;
      const std::string name(schema::to_string(entry.provider));
      ModelFacts fact{.setting = find_setting(kKeys.at(i))->environment_name(),
                      .painter = name + " " + entry.model,
                      .answer = {.reason = "its key is not set"}};
      for (const auto& provider : list) {
        if (provider->kind() != entry.provider) continue;
        fact.answer = provider->look_up(entry, {.deadline = Deadline::after(kModelTimeout)});
      }
      facts.push_back(std::move(fact));
    }
    add(judge_models(facts));
  }

 public:
  Doctor(const Settings& settings, std::ostream* lines) : settings_(settings), lines_(lines) {}

  void examine() {
    // One connection at a time is enough to look.
    Settings settings = clone(settings_);
    settings.mongodb_pool_size = 1;
    settings.mongodb_warm_minimum = 1;
    settings.mongodb_connect_attempts = 1;

    if (!settings.key_vault_url.empty()) {
      std::optional<Secret> secret = ask_vault();
      settings.key_vault_url.clear();
      if (secret) {
        settings.mongodb_uri = std::move(*secret);
        ask_database(settings);
      } else {
        skip({"connection"}, "there is no connection string", "mend what failed before");
        skip_questions();
      }
    } else {
      skip({"identity", "token", "vault", "secret"}, "no vault is set");
      const std::filesystem::path data = settings.data_dir;
      if (settings.mongodb_uri.empty() && !std::filesystem::exists(data / "data.mdb")) {
        add({"connection", Health::kWarn,
             "the embedded engine has no data in " + std::filesystem::absolute(data).string() +
                 " yet",
             "gesso serve makes it"});
        skip_questions();
      } else {
        ask_database(settings);
      }
    }
    ask_images();
    ask_providers();
    if (const auto azure = azure_time_.reading()) readings_.push_back(*azure);
    add(judge_clock(readings_));
  }

  [[nodiscard]] std::span<const Check> checks() const { return checks_; }
  [[nodiscard]] ExitCode result() const {
    const bool failed = std::ranges::any_of(
        checks_, [](const Check& check) { return check.health == Health::kFail; });
    return failed ? failure_ : ExitCode::kOk;
  }
};

ExitCode doctor(const Invocation& invocation) {
  const bool as_json = invocation.has("--json");
  const Settings& settings = invocation.settings.values;
  check_source(settings);
  if (!settings.mongodb_uri.empty()) (void)mongo::prepare_uri(settings.mongodb_uri, {});
  Doctor doctor(settings, as_json ? nullptr : &invocation.out);
  doctor.examine();
  if (as_json) invocation.out << to_json(doctor.checks()) << "\n";
  return doctor.result();
}

}  // namespace

Command doctor_command() {
  static const std::vector<std::string_view> kSettings = [] {
    std::vector<std::string_view> keys(kDatabaseSettings.begin(), kDatabaseSettings.end());
    keys.insert(keys.end(), {"image_container_url", "image_container_tenant"});
    return keys;
  }();
  static constexpr auto kOptions = std::to_array<Option>(
      {{.flag = "--json", .about = "One JSON object instead of lines", .value = ""}});
  return {
      .name = "doctor",
      .about =
          "Check identity, vault, secret, clock, database, images and models, and say what to do",
      .more = R"(Examples:
  gesso doctor                      of the data in ./data, also while `gesso serve` runs
  GESSO_KEY_VAULT_URL=https://myvault.vault.azure.net gesso doctor
  gesso doctor --json | python3 -m json.tool

A line for each check: ok, warn, FAIL or skipped, what was found, and behind an arrow what to do.
Changes nothing, but for a blob that it writes where images are kept and removes at once. Ends
within two minutes at worst, shows no secret. Exit status 0 unless something FAILs.)",
      .settings = kSettings,
      .options = kOptions,
      .run = doctor};
}

}  // namespace gesso::cli
