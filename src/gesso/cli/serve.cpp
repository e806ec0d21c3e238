// `gesso serve`: the HTTP service over its database.
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "gesso/api/application.hpp"
#include "gesso/api/metric_history.hpp"
#include "gesso/api/operations.hpp"
#include "gesso/api/recorder.hpp"
#include "gesso/api/startup_gate.hpp"
#include "gesso/base/error.hpp"
#include "gesso/cli/billing.hpp"
#include "gesso/cli/command.hpp"
#include "gesso/cli/database.hpp"
#include "gesso/cli/encryption_keys.hpp"
#include "gesso/cli/key_file.hpp"
#include "gesso/cli/logging.hpp"
#include "gesso/cli/outgoing.hpp"
#include "gesso/cli/painting.hpp"
#include "gesso/cli/running.hpp"
#include "gesso/cli/signals.hpp"
#include "gesso/cli/token_keys.hpp"
#include "gesso/cli/version.hpp"
#include "gesso/domain/account_services.hpp"
#include "gesso/domain/backlog.hpp"
#include "gesso/domain/generation_feed.hpp"
#include "gesso/domain/generation_watch.hpp"
#include "gesso/domain/hash_pool.hpp"
#include "gesso/domain/jwt.hpp"
#include "gesso/domain/limit_policy.hpp"
#include "gesso/domain/limited_attempts.hpp"
#include "gesso/domain/limiter.hpp"
#include "gesso/domain/mailer.hpp"
#include "gesso/domain/settler.hpp"
#include "gesso/domain/sweeper.hpp"
#include "gesso/domain/usage_recorder.hpp"
#include "gesso/domain/work_bell.hpp"
#include "gesso/http/server.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/repositories/indexes.hpp"

namespace gesso::cli {
namespace {

// A hash takes a quarter of a second: more than a few waiting for each thread would time out.
constexpr std::size_t kWaitingHashesPerThread = 64;
// They wait for Stripe and for providers of sign-in, and take no processor.
constexpr std::size_t kOutgoingThreads = 8;
constexpr std::chrono::milliseconds kHandBackTimeout{3000};
// An hour of them is kept, for who looks at the console.
constexpr std::chrono::seconds kSampleInterval{5};
constexpr std::size_t kSamples = std::chrono::hours{1} / kSampleInterval;

std::optional<Keyring> keyring(const Settings& settings, Random& random) {
  auto keys = encryption_keys(settings, random);
  if (!keys) {
    spdlog::warn(
        "GESSO_ENCRYPTION_KEYS is not set: nobody can begin a second factor, and secrets that an "
        "older version stored in plain text stay so");
  }
  return keys;
}

std::chrono::seconds seconds(std::chrono::milliseconds duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration);
}

domain::AccountSettings account_settings(const Settings& settings) {
  return {.hide_taken_email = settings.hide_taken_email,
          .require_verified_email = settings.require_verified_email,
          .allow_special_use_domains = settings.allow_special_use_domains,
          .sessions = {.lifetime = seconds(settings.session_lifetime),
                       .idle_lifetime = seconds(settings.session_idle_lifetime)},
          .service_name = settings.service_name,
          .confirm_email_page = settings.confirm_email_page,
          .reset_password_page = settings.reset_password_page};
}

void make_indexes(const Settings& settings, mongo::Session& session) {
  const mongo::IndexPlan plan = mongo::create_indexes(session, repositories::declared_indexes(),
                                                      collection_options(settings));
  if (!plan.create.empty()) spdlog::info("made {} indexes", plan.create.size());
  for (const auto& index : plan.differs) {
    spdlog::warn("index {} of {} is not as declared: {}", index.wanted.spec.name,
                 index.wanted.collection, index.what);
  }
  mongo::require_unique(plan);
}

http::Cors cors_of(const Settings& settings) {
  return http::Cors(
      {.origins = list_of(settings.cors_origins), .credentials = settings.cors_credentials});
}

http::ServerOptions server_options(const Settings& settings, api::Metrics& metrics,
                                   const api::AccessLog& log) {
  const Address address = parse_address(settings.listen).value();
  return {
      .host = address.host,
      .port = address.port,
      .threads = static_cast<int>(settings.io_threads),
      .tls_certificate_file = settings.tls_certificate_file,
      .tls_key_file = settings.tls_key_file,
      .trusted_proxies = list_of(settings.trusted_proxies),
      .forwarded_fields = settings.forwarded_fields == "forwarded"
                              ? http::ForwardedFields::kForwarded
                              : http::ForwardedFields::kXForwarded,
      .max_connections = static_cast<std::size_t>(settings.max_connections),
      .max_connections_per_address = static_cast<std::size_t>(settings.max_connections_per_address),
      .always_answered = {api::kAlwaysAnswered.begin(), api::kAlwaysAnswered.end()},
      .add_fields =
          [cors = cors_of(settings), strict_transport = settings.strict_transport](
              http::Response& response, std::string_view origin, bool is_https) {
            cors.apply(origin, response);
            http::add_security_headers(response, is_https, strict_transport);
          },
      .on_refused =
          [&metrics, log](const http::Refusal& refusal) {
            api::record_refusal(metrics, log, refusal);
          }};
}

api::SecretState as_secret_state(azure::RotationStatus status) {
  using State = azure::RotationFsm::State;
  return {.connected = status.pool_number != 0,
          .healthy = status.state == State::kReady,
          .state = std::string(to_string(status.state)),
          .version = status.in_use ? status.in_use->version : std::string(),
          .problem = status.database_error.empty() ? std::move(status.vault_error)
                                                   : std::move(status.database_error),
          .age = status.secret_age,
          .stale_for = status.stale_for,
          .last_read = status.last_read,
          .reads = status.reads,
          .read_failures = status.read_failures,
          .applies = status.applies,
          .refusals = status.refusals,
          .rotations = status.rotations,
          .renewals = status.renewals};
}

// Where clients reach us, as far as we know.
std::string public_url(const Settings& settings, std::uint16_t port) {
  if (!settings.public_url.empty()) {
    std::string url = settings.public_url;
    if (url.ends_with('/')) url.pop_back();
    return url;
  }
  std::string host = parse_address(settings.listen).value().host;
  if (host.empty() || host == "0.0.0.0" || host == "::") host = "127.0.0.1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  const bool is_https = !settings.tls_certificate_file.empty();
  return (is_https ? "https://" : "http://") + host + ":" + std::to_string(port);
}

api::LocalImages local_images(Painting& painting) {
  if (!painting.is_local()) return {};
  return {.store = &painting.store(), .links = &painting.links()};
}

void greet(std::ostream& out, const Settings& settings, const Database& database,
           std::uint16_t port) {
  const std::string url = public_url(settings, port);
  out << "Gesso " << version() << " serves " << url << "\n"
      << "  data  " << database.description() << "\n"
      << "  open  " << url << "/console\n"
      << "  try   curl -s " << url
      << "/api/v1/auth/register -H 'Content-Type: application/json' \\\n"
      << "          -d '{\"email\": \"ann@example.com\", \"password\": \"correct horse\"}'\n"
      << "  end   Ctrl-C\n"
      << std::flush;
}

// Of generations, by whichever process that has the embedded database open.
localdb::Listening listen_for_changes(Database& database, domain::GenerationWatch& watch) {
  if (!database.is_embedded()) return {};
  return database.listen(models::Generation::kCollection, [&](std::span<const bson::Document> ids) {
    for (const bson::Document& document : ids) {
      const bson::Value id = document["_id"];
      if (id.type() != bson::Type::kString) continue;
      if (const auto found = models::GenerationId::parse(id.as_string())) watch.changed(*found);
    }
  });
}

// A change stream keeps one of the pool's workers; where there are hardly any, polling has to do.
bool follows_changes(const Settings& settings, const mongo::Service& service) {
  constexpr std::int64_t kEnough = 4;
  return service.has_change_streams() && settings.mongodb_pool_size >= kEnough;
}

domain::HashPool::WaitTimer timer_of(api::Metrics& metrics, std::string_view pool) {
  return [&metrics, pool](std::chrono::microseconds waited) { metrics.pool_wait(pool, waited); };
}

// Serves on for as long as those who route requests here need to learn that it ends: from /readyz,
// and from the end of each connection. A second signal ends the process.
void retire(http::Server& server, std::chrono::milliseconds grace) {
  if (grace.count() == 0) return;
  server.retire();
  spdlog::info("ending: no longer ready, and serving for {} ms more; a second signal ends at once",
               grace.count());
  std::this_thread::sleep_for(grace);
}

// What this process took in advance, and what it has not written down yet. A database that does not
// take it in that time has seen worse.
void hand_back(mongo::Service& service, domain::Limiter& limiter, domain::LimitedAttempts& attempts,
               domain::UsageRecorder& usage) {
  const Deadline deadline = Deadline::after(kHandBackTimeout);
  if (const std::size_t lost = usage.stop(deadline); lost > 0) {
    spdlog::warn("{} entries of the usage log were lost", lost);
  }
  try {
    service.run(deadline, [&](mongo::Session& session) {
      limiter.release_all(session);
      attempts.release_all(session);
    });
  } catch (const Error& error) {
    spdlog::warn("leases of rate limits were not handed back: {}", error.what());
  }
}

ExitCode serve(const Invocation& invocation) {
  const Settings& settings = invocation.settings.values;
  Signals signals;
  const SystemClock clock;
  SystemRandom random;
  IdGenerator ids(clock, random);
  repositories::CreditCounters credits;
  const repositories::RepositoryContext repository_context{
      .clock = clock,
      .random = random,
      .ids = ids,
      .bcrypt_cost = static_cast<unsigned>(settings.bcrypt_rounds),
      .credits = &credits};
  const std::vector<Secret> keys_to_sign = token_keys(settings, random);
  const Secret& key = keys_to_sign.front();
  const std::optional<Keyring> keys = keyring(settings, random);
  const domain::Tokens tokens(key.clone(),
                              settings.jwt_previous_secret.empty()
                                  ? std::nullopt
                                  : std::optional(settings.jwt_previous_secret.clone()),
                              {.issuer = settings.token_issuer,
                               .audience = settings.token_issuer,
                               .access_lifetime = seconds(settings.token_lifetime)},
                              clock);

  // Destroyed from the bottom: the server, then what its handlers use.
  std::optional<LastResort> last_resort;
  const auto ending = [&] {
    last_resort.emplace(settings.drain_timeout + kHandBackTimeout + std::chrono::seconds{1});
  };
  std::atomic<bool> is_ending = false;
  api::Metrics metrics;
  const api::AccessLog log = settings.access_log ? access_log(settings) : api::AccessLog();
  Database database(
      settings, clock, random, InUse::kFail, Secrets::kFollow,
      [&settings](mongo::Session& session) { make_indexes(settings, session); },
      timers_of(metrics));
  const api::AskSecretState secret_state = [&database]() -> std::optional<api::SecretState> {
    auto status = database.rotation();
    if (!status) return std::nullopt;
    return as_secret_state(*std::move(status));
  };
  api::StartupGate gate(secret_state, metrics);
  http::Server server(server_options(settings, metrics, log),
                      [&gate](http::Request request, http::Responder respond) {
                        gate.answer(std::move(request), std::move(respond));
                      });
  // A vault is waited for, however long it takes: meanwhile /healthz and /readyz answer.
  if (database.vault() != nullptr) listen(server, settings.listen);
  if (!connect(database, signals, ending)) return ExitCode::kOk;
  mongo::Service& service = database.service();

  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  domain::HashPool hashes(cores, cores * kWaitingHashesPerThread, 0, timer_of(metrics, "hashing"));
  // What asks other services waits for them, and must not keep a login waiting: nor what asks one
  // of them (a store of images that does not answer) what asks another.
  domain::HashPool outgoing_pool(kOutgoingThreads, kOutgoingThreads * kWaitingHashesPerThread, 0,
                                 timer_of(metrics, "outgoing"), kOutgoingThreads / 2);
  Outgoing outgoing(settings, key, clock, random);
  const api::BillingServices billing = make_billing_services(settings, outgoing.stripe());
  const auto replicate_webhook_secrets =
      list_of<Secret>(settings.replicate_webhook_secrets.reveal());
  const std::unique_ptr<domain::Mailer> mailer = make_mailer(settings, clock, random);
  domain::MailQueue mail(*mailer);
  const domain::LimitTable limits = domain::parse_limits(settings.limits);
  const domain::QuotaList& logins =
      limits.at(domain::LimitTier::kAnonymous, domain::LimitClass::kLogin);
  domain::LimitedAttempts attempts(repository_context,
                                   logins.empty() ? domain::AttemptQuotas::unlimited()
                                                  : domain::AttemptQuotas{.network = logins});
  domain::Sweeper* running_sweeper = nullptr;  // written before anybody is served
  const domain::AccountServices accounts{.context = repository_context,
                                         .tokens = tokens,
                                         .mail = mail,
                                         .limits = attempts,
                                         .run =
                                             [&](const domain::Unit& unit) {
                                               service.run(
                                                   Deadline::after(settings.request_timeout),
                                                   [&](mongo::Session& session) { unit(session); });
                                             },
                                         .settings = account_settings(settings),
                                         .on_deletion = [&] { running_sweeper->hurry(); },
                                         .keys = keys ? &*keys : nullptr};
  domain::Settler settler(service, repository_context);
  domain::GenerationWatch watch(service, repository_context, {.has_feed = database.is_embedded()});
  const localdb::Listening changes = listen_for_changes(database, watch);
  std::optional<domain::GenerationFeed> feed;
  if (follows_changes(settings, service)) feed.emplace(service, watch);
  domain::WorkBell bell;
  Painting painting(
      settings, keys_to_sign, [&] { return public_url(settings, server.port()); }, clock, random);
  domain::Limiter limiter(limits, repository_context);
  domain::UsageRecorder usage(
      service, repository_context,
      {.queue_limit = static_cast<std::size_t>(settings.usage_queue_limit)});
  const domain::BacklogWatch backlog(service, repository_context);
  const domain::GenerationHooks hooks{
      .settler = &settler, .watch = &watch, .bell = &bell, .images = &painting.store()};
  api::MetricHistory metric_history(kSamples);
  std::atomic<const worker::Worker*> running_worker = nullptr;
  const api::Services services{.database = service,
                               .repository_context = repository_context,
                               .tokens = tokens,
                               .accounts = accounts,
                               .hashes = hashes,
                               .metrics = metrics,
                               .limiter = &limiter,
                               .usage = &usage,
                               .request_timeout = settings.request_timeout,
                               .cors = cors_of(settings),
                               .version = std::string(version()),
                               .secret_state = secret_state,
                               .access_log = log,
                               .outgoing = &outgoing_pool,
                               .sign_in = outgoing.sign_in(),
                               .sign_in_redirect_uri = settings.oauth_redirect_uri,
                               .billing = &billing,
                               .replicate_webhook_secrets = replicate_webhook_secrets,
                               .generation_hooks = hooks,
                               .work = work_options(settings),
                               .models = &painting.models(),
                               .local_images = local_images(painting),
                               .strict_transport = settings.strict_transport,
                               .ending = &is_ending,
                               .server = &server,
                               .attempts = &attempts,
                               .backlog = &backlog,
                               .work_figures = [&]() -> std::optional<domain::WorkFigures> {
                                 const worker::Worker* const running = running_worker.load();
                                 if (running == nullptr) return std::nullopt;
                                 return running->figures();
                               },
                               .feed = feed ? &*feed : nullptr,
                               .metric_history = &metric_history};
  const api::Application application(services);
  std::optional<domain::Sweeper> sweeper;
  sweeper.emplace(service, repository_context,
                  domain::SweeperOptions{
                      .interval = settings.sweep_interval,
                      .charge_grace = settings.charge_grace,
                      .billing = &billing.settings,
                      .stripe = billing.stripe,
                      .work = work_options(settings),
                      .hooks = hooks,
                      .image_grace = settings.image_grace,
                      .on_sweep = [&metrics](const domain::SweepRun& run) { metrics.sweep(run); }});
  running_sweeper = &*sweeper;
  std::optional<api::MetricSampler> sampler;
  sampler.emplace(metric_history, clock, kSampleInterval,
                  [&] { return metrics.samples(api::metric_sources_of(services)); });
  painting.prepare_links();
  gate.open(application);
  if (database.vault() == nullptr) listen(server, settings.listen);
  std::unique_ptr<worker::Worker> worker;
  if (settings.worker_parallel > 0) {
    worker = painting.make_worker(service, repository_context, hooks, metrics);
    worker->start();
    running_worker = worker.get();
  }
  greet(invocation.out, settings, database, server.port());

  signals.wait();
  is_ending = true;
  retire(server, settings.shutdown_grace);
  ending();
  spdlog::info("ending: requests in work have {} ms; a second signal ends at once",
               settings.drain_timeout.count());
  const Deadline mail_by = Deadline::after(settings.drain_timeout + kHandBackTimeout);
  // One time for both: the last resort waits for no more of it.
  const Deadline drained = Deadline::after(settings.drain_timeout);
  if (worker) worker->claim_no_more();
  if (feed) feed->end();
  server.stop(settings.drain_timeout);  // from here on nobody asks `gate`, nor the application
  if (worker && worker->stop(drained.remaining()) > 0) {
    spdlog::warn("claims of generations are left to expire");
  }
  running_worker = nullptr;  // nobody is served any more, but for the sampler
  // Calls that were cut may still run in these, and use what is declared below them.
  outgoing_pool.stop();
  hashes.stop();
  sampler.reset();
  sweeper->stop();  // and yet there, for units that were cut and delete an account
  settler.flush();
  hand_back(service, limiter, attempts, usage);
  feed.reset();
  if (!mail.stop(mail_by)) spdlog::warn("{} mails were not sent", mail.counts().dropped);
  service.stop();  // units that were cut still ask the hash pool, which goes before the service
  return ExitCode::kOk;
}

}  // namespace

Command serve_command() {
  static const std::vector<std::string_view> kSettings = [] {
    std::vector<std::string_view> keys;
    for (const Setting& setting : setting_table()) keys.push_back(setting.key);
    return keys;
  }();
  return {.name = "serve",
          .about = "Serve the HTTP API, with the database inside or a server's",
          .more = R"(Examples:
  gesso serve
  gesso serve --listen 127.0.0.1:9000 --data-dir /srv/gesso
  GESSO_MONGODB_URI='mongodb://user:password@host/?tls=true' gesso serve

Secrets belong in the environment or the file: a command line is there for all to see.
Makes the declared indexes that are missing. Ctrl-C drains and closes; twice ends at once.)",
          .settings = kSettings,
          .options = {},
          .run = serve};
}

}  // namespace gesso::cli
