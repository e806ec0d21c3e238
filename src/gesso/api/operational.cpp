// What those who run the service ask it.
#include <spdlog/spdlog.h>

#include "gesso/api/operations.hpp"
#include "gesso/api/readiness.hpp"
#include "gesso/base/error.hpp"
#include "gesso/domain/generation_watch.hpp"

namespace gesso::api {

struct Liveness {
  std::string status = "ok";

  static constexpr std::string_view kName = "Liveness";
};
GESSO_FIELDS(Liveness, (status, "`ok`."))

struct About {
  std::string name = "Gesso";
  std::string version;
  std::string documentation = "/docs";
  std::string openapi = "/openapi.json";
  std::string console = "/console";

  static constexpr std::string_view kName = "About";
};
GESSO_FIELDS(About, (name, "What this is."), (version, "Of the program."),
             (documentation, "Where people read about it."), (openapi, "Where programs do."),
             (console, "Where people use it."))

namespace {

// A load balancer asks often and wants a quick answer.
constexpr std::chrono::milliseconds kReadyTimeout{2000};

std::optional<SecretState> secret_of(const Services& services) {
  return services.secret_state ? services.secret_state() : std::nullopt;
}

Result<Liveness> get_liveness(InlineCall&, const NoInput&) { return Liveness{}; }

Result<Readiness, NotReady> get_readiness(DatabaseCall& call, const NoInput&) {
  if (call.services.ending != nullptr && *call.services.ending) {
    return not_ready("The service is about to end", secret_of(call.services));
  }
  call.services.database.check_health(call.session);
  return Readiness{.secret = summary_of(secret_of(call.services))};
}

// Also where no worker got to it in time: a database that is silent holds them all.
std::optional<NotReady> readiness_failed(const Call& call, const Error& error) {
  std::string_view why = "The database does not answer";
  if (error.kind() == ErrorKind::kAuth) why = "The database refuses the service's credentials";
  if (error.kind() == ErrorKind::kOverloaded) why = "The service has more to do than it can";
  return not_ready(why, secret_of(call.services));
}

Result<Content> get_metrics(InlineCall& call, const NoInput&) {
  return Content{.type = std::string(Metrics::kContentType),
                 .body = call.services.metrics.text(metric_sources_of(call.services))};
}

Result<About> get_about(InlineCall& call, const NoInput&) {
  return About{.version = call.services.version};
}

constexpr Operation kOperations[] = {
    operation<get_about>({.path = "/",
                          .id = "getAbout",
                          .tag = "Operations",
                          .summary = "What this is, and where its documents are.",
                          .access = Access::kPublic,
                          .limit = LimitClass::kNone}),
    operation<get_liveness>({.path = "/healthz",
                             .id = "getLiveness",
                             .tag = "Operations",
                             .summary = "Whether the process lives.",
                             .access = Access::kPublic,
                             .limit = LimitClass::kNone}),
    operation<get_readiness, readiness_failed>(
        {.path = "/readyz",
         .id = "getReadiness",
         .tag = "Operations",
         .summary = "Whether requests can be served: the database answers.",
         .access = Access::kPublic,
         .limit = LimitClass::kNone,
         .timeout = kReadyTimeout}),
    operation<get_metrics>({.path = "/metrics",
                            .id = "getMetrics",
                            .tag = "Operations",
                            .summary = "What Prometheus collects, in its text format.",
                            .access = Access::kPublic,
                            .limit = LimitClass::kNone,
                            .media_type = "text/plain"}),
};

}  // namespace

MetricSources metric_sources_of(const Services& services) {
  return {.version = services.version,
          .now = services.repository_context.clock.now(),
          .server = services.server,
          .hashes = &services.hashes,
          .outgoing = services.outgoing,
          .database = &services.database,
          .secret = secret_of(services),
          .limiter = services.limiter,
          .attempts = services.attempts,
          .usage = services.usage,
          .mail = &services.accounts.mail,
          .credits = services.repository_context.credits,
          .backlog = services.backlog == nullptr ? std::nullopt : services.backlog->latest(),
          .event_streams = services.generation_hooks.watch == nullptr
                               ? std::nullopt
                               : std::optional(services.generation_hooks.watch->watchers()),
          .feed = services.feed == nullptr ? std::nullopt : std::optional(services.feed->figures()),
          .work = services.work_figures ? services.work_figures() : std::nullopt};
}

Operations operational_operations() { return kOperations; }

}  // namespace gesso::api
