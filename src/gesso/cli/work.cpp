// `gesso work`: paints generations, and serves nothing.
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "gesso/api/metrics.hpp"
#include "gesso/api/operations.hpp"
#include "gesso/api/worker_probe.hpp"
#include "gesso/base/error.hpp"
#include "gesso/cli/command.hpp"
#include "gesso/cli/database.hpp"
#include "gesso/cli/key_file.hpp"
#include "gesso/cli/painting.hpp"
#include "gesso/cli/running.hpp"
#include "gesso/cli/signals.hpp"
#include "gesso/cli/token_keys.hpp"
#include "gesso/cli/version.hpp"
#include "gesso/domain/work_bell.hpp"
#include "gesso/http/server.hpp"
#include "gesso/repositories/credit_counters.hpp"

namespace gesso::cli {
namespace {

constexpr std::size_t kProbeConnections = 64;
constexpr std::chrono::milliseconds kProbeGrace{1000};
constexpr std::chrono::milliseconds kEndTimeout{2000};  // of the database, when all is said

// Where it can be scraped and probed, if the settings say so.
std::unique_ptr<http::Server> serve_probes(const Settings& settings, api::WorkerProbe& probe) {
  if (settings.worker_listen.empty()) return nullptr;
  const Address address = parse_address(settings.worker_listen).value();
  auto server = std::make_unique<http::Server>(
      http::ServerOptions{
          .host = address.host,
          .port = address.port,
          .threads = 1,
          .max_connections = kProbeConnections,
          .always_answered = {api::kAlwaysAnswered.begin(), api::kAlwaysAnswered.end()}},
      [&probe](const http::Request& request, const http::Responder& respond) {
        probe.answer(request, respond);
      });
  listen(*server, settings.worker_listen);
  return server;
}

ExitCode work(const Invocation& invocation) {
  const Settings& settings = invocation.settings.values;
  if (settings.worker_parallel == 0) {
    throw Failure(ExitCode::kUsage,
                  "worker_parallel: expected at least 1 for `gesso work`, found 0");
  }
  Signals signals;
  const SystemClock clock;
  SystemRandom random;
  IdGenerator ids(clock, random);
  repositories::CreditCounters credits;
  const repositories::RepositoryContext context{
      .clock = clock, .random = random, .ids = ids, .credits = &credits};
  api::Metrics metrics;
  // The data are the service's: a worker that came first would shut it out.
  std::optional<LastResort> last_resort;
  const auto ending = [&] {
    last_resort.emplace(settings.drain_timeout + kProbeGrace + kEndTimeout);
  };
  Database database(settings, clock, random, InUse::kOnlyJoin, Secrets::kFollow, {},
                    timers_of(metrics));
  std::atomic<mongo::Service*> connected = nullptr;
  std::atomic<const worker::Worker*> working = nullptr;
  api::WorkerProbe probe(metrics, [&] {
    const worker::Worker* const running = working.load();
    return api::MetricSources{
        .version = std::string(version()),
        .now = clock.now(),
        .database = connected.load(),
        .credits = &credits,
        .work = running == nullptr ? std::nullopt : std::optional(running->figures())};
  });
  // A vault is waited for, however long it takes: probes tell this from a process that is dead.
  const std::unique_ptr<http::Server> server = serve_probes(settings, probe);
  if (!connect(database, signals, ending)) return ExitCode::kOk;
  connected = &database.service();
  probe.open(database.service());

  domain::WorkBell bell;
  // Links to images in the data folder are signed; nothing else here is.
  const bool signs = settings.image_container_url.empty();
  Painting painting(
      settings, signs ? token_keys(settings, random) : std::vector<Secret>{},
      [&] { return settings.public_url; }, clock, random);
  const domain::GenerationHooks hooks{.bell = &bell, .images = &painting.store()};
  const auto worker = painting.make_worker(database.service(), context, hooks, metrics);
  worker->start();
  working = worker.get();
  invocation.out << "Gesso " << version() << " works\n"
                 << "  data  " << database.description() << "\n";
  if (server) {
    invocation.out << "  ask   http://" << parse_address(settings.worker_listen).value().host << ":"
                   << server->port() << "/metrics\n";
  }
  invocation.out << "  end   Ctrl-C\n" << std::flush;
  signals.wait();
  ending();
  probe.end();
  spdlog::info("ending: what is painted has {} ms; a second signal ends at once",
               settings.drain_timeout.count());
  if (const std::size_t left = worker->stop(settings.drain_timeout); left > 0) {
    spdlog::warn("{} claims are left to expire", left);
  }
  if (server) server->stop(kProbeGrace);  // from here on nobody asks for the figures
  database.service().stop();
  return ExitCode::kOk;
}

}  // namespace

Command work_command() {
  static const std::vector<std::string_view> kSettings = [] {
    std::vector<std::string_view> keys;
    for (const Setting& setting : setting_table()) keys.push_back(setting.key);
    return keys;
  }();
  return {.name = "work",
          .about = "Paint generations, beside services that leave them to others",
          .more = R"(Examples:
  GESSO_MONGODB_URI='mongodb://user:password@host/?tls=true' gesso work
  gesso work --worker-parallel 200
  gesso work --worker-listen 127.0.0.1:8081      # /metrics, /healthz and /readyz

`gesso serve` does the same by itself; with worker_parallel = 0 it leaves it to this. Ctrl-C hands
back what waits for a provider, and lets the rest end. Beside the embedded database it joins the
process that serves, and does not open the data itself.)",
          .settings = kSettings,
          .options = {},
          .run = work};
}

}  // namespace gesso::cli
