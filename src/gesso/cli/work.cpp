// `gesso work`: paints generations, and serves nothing.
#include <spdlog/spdlog.h>

#include "gesso/cli/command.hpp"
#include "gesso/cli/database.hpp"
#include "gesso/cli/key_file.hpp"
#include "gesso/cli/painting.hpp"
#include "gesso/cli/signals.hpp"
#include "gesso/cli/token_keys.hpp"
#include "gesso/cli/version.hpp"
#include "gesso/domain/work_bell.hpp"

namespace gesso::cli {
namespace {

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
  const repositories::RepositoryContext context{.clock = clock, .random = random, .ids = ids};
  Database database(settings, clock, random, InUse::kJoin, Secrets::kFollow);
  std::stop_source stop;
  signals.on_request([&] { stop.request_stop(); });
  try {
    database.connect(stop.get_token());
  } catch (const Error&) {
    if (signals.requested()) return ExitCode::kOk;
    throw;
  }
  signals.on_request({});
  if (signals.requested()) return ExitCode::kOk;

  domain::WorkBell bell;
  Painting painting(
      settings, token_keys(settings, random), [&] { return settings.public_url; }, clock, random);
  const domain::GenerationHooks hooks{.bell = &bell, .images = &painting.store()};
  const auto worker = painting.make_worker(database.service(), context, hooks);
  worker->start();
  invocation.out << "Gesso " << version() << " works\n"
                 << "  data  " << database.description() << "\n"
                 << "  end   Ctrl-C\n"
                 << std::flush;
  signals.wait();
  spdlog::info("ending: what is painted has {} ms; a second signal ends at once",
               settings.drain_timeout.count());
  if (const std::size_t left = worker->stop(settings.drain_timeout); left > 0) {
    spdlog::warn("{} claims are left to expire", left);
  }
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

`gesso serve` does the same by itself; with worker_parallel = 0 it leaves it to this. Ctrl-C hands
back what waits for a provider, and lets the rest end.)",
          .settings = kSettings,
          .options = {},
          .run = work};
}

}  // namespace gesso::cli
