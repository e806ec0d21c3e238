// Every metric that the service shows, said once: `metric("...")` of a name that is not here does
// not compile, and tests/api/metrics.golden and docs/METRICS.md are made from this table.
//
// Names follow Prometheus' conventions (https://prometheus.io/docs/practices/naming/): base units,
// `_total` at the end of counters. Labels have few values, known in advance, and none of them comes
// from a client. Constants and pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gesso::api {

enum class MetricType { kCounter, kGauge, kHistogram };
[[nodiscard]] std::string_view to_string(MetricType type) noexcept;

struct MetricInfo {
  std::string_view name;
  MetricType type;
  std::string_view labels;  // their names, with blanks between them
  std::string_view help;    // a sentence that makes sense alone
};

inline constexpr MetricInfo kMetrics[] = {
    // Requests
    {"gesso_build_info", MetricType::kGauge, "version", "1; its label says which version runs."},
    {"gesso_request_duration_seconds", MetricType::kHistogram, "operation status",
     "From a whole request to its response, by operation (as /openapi.json names it; none: no "
     "operation at the path, or no request) and class of status."},
    {"gesso_problems_total", MetricType::kCounter, "operation code",
     "Responses that were problems, by operation and the problem's code: sign-ins refused, credits "
     "missing, signatures not good, quotas used up, overload."},
    {"gesso_http_refusals_total", MetricType::kCounter, "reason status",
     "What the server refused by itself: bytes that are no request it takes (request), for want of "
     "memory (memory) or of connections (connections)."},
    {"gesso_http_connections", MetricType::kGauge, "", "Connections of clients that are open."},
    {"gesso_http_outstanding_bytes", MetricType::kGauge, "",
     "Bytes of bodies that wait in memory, over all connections."},
    {"gesso_pool_wait_seconds", MetricType::kHistogram, "pool",
     "How long tasks waited for a thread of a pool: hashing (passwords), outgoing (calls of other "
     "services)."},
    {"gesso_pool_queued", MetricType::kGauge, "pool", "Tasks that wait for a thread of a pool."},
    // The database
    {"gesso_database_workers", MetricType::kGauge, "", "Threads that run units of work."},
    {"gesso_database_busy", MetricType::kGauge, "", "Units of work that run now."},
    {"gesso_database_queued", MetricType::kGauge, "", "Units of work that wait for a thread."},
    {"gesso_database_queue_age_seconds", MetricType::kGauge, "",
     "How long the oldest unit of work that waits has waited."},
    {"gesso_database_connections", MetricType::kGauge, "",
     "Connections to the database that are open."},
    {"gesso_database_epoch", MetricType::kGauge, "",
     "How many connection strings have been in use."},
    {"gesso_database_info", MetricType::kGauge, "dialect",
     "1; its label says what kind of server the database is."},
    {"gesso_database_request_units_total", MetricType::kCounter, "operation collection",
     "Request units that commands cost, by command and collection, where the server tells it; "
     "estimated from those that are asked about."},
    {"gesso_database_rate_limiting_delay_seconds_total", MetricType::kCounter, "",
     "How long the server itself held commands back for want of request units, estimated in the "
     "same way."},
    {"gesso_database_throughput_limit", MetricType::kGauge, "",
     "Request units a second that work is kept below since the server refused more; 0: it is not "
     "held back."},
    {"gesso_database_wait_seconds", MetricType::kHistogram, "",
     "How long units of work waited for a thread and its connection."},
    {"gesso_database_command_duration_seconds", MetricType::kHistogram, "command outcome",
     "From a command to the database until its reply, by command and outcome."},
    // The connection string's secret, where it comes from a vault
    {"gesso_secret_state", MetricType::kGauge, "state",
     "1; its label says where the rotation of the connection string stands."},
    {"gesso_secret_healthy", MetricType::kGauge, "",
     "1 while the latest version of the secret is in use."},
    {"gesso_secret_age_seconds", MetricType::kGauge, "",
     "Age of the version of the secret that is in use."},
    {"gesso_secret_stale_seconds", MetricType::kGauge, "",
     "How long the vault has not been readable."},
    {"gesso_secret_last_read_timestamp_seconds", MetricType::kGauge, "",
     "When the vault was last read with success."},
    {"gesso_secret_reads_total", MetricType::kCounter, "", "Reads of the vault."},
    {"gesso_secret_read_failures_total", MetricType::kCounter, "",
     "Reads of the vault that failed."},
    {"gesso_secret_applies_total", MetricType::kCounter, "", "Secrets tried on the database."},
    {"gesso_secret_refusals_total", MetricType::kCounter, "",
     "Secrets that the database refused when they were tried on it."},
    {"gesso_secret_rotations_total", MetricType::kCounter, "",
     "New versions of the secret taken into use."},
    {"gesso_secret_renewals_total", MetricType::kCounter, "",
     "Requests whose credentials the database refused and that waited for others."},
    // Rate limits. Limiters: requests; of attempts to log in and the like network, narrow, wide
    {"gesso_limiter_calls_total", MetricType::kCounter, "limiter class outcome",
     "Calls that were counted for a rate limit, by limiter, class and outcome (allowed, refused)."},
    {"gesso_limiter_alone_total", MetricType::kCounter, "limiter",
     "Calls that were allowed while the database failed, by this instance's own count."},
    {"gesso_limiter_leases_total", MetricType::kCounter, "limiter",
     "Leases of calls that were asked of the database."},
    {"gesso_limiter_lease_failures_total", MetricType::kCounter, "limiter",
     "Leases of calls that the database failed to give."},
    {"gesso_limiter_lost_calls_total", MetricType::kCounter, "limiter",
     "Calls taken in advance that could not be given back."},
    {"gesso_limiter_held_calls", MetricType::kGauge, "limiter",
     "Calls taken in advance and not used yet."},
    {"gesso_limiter_subjects", MetricType::kGauge, "limiter",
     "Pairs of a subject and a class that are in memory."},
    // The usage log
    {"gesso_usage_recorded_total", MetricType::kCounter, "", "Entries of the usage log, queued."},
    {"gesso_usage_written_total", MetricType::kCounter, "",
     "Entries of the usage log that are in the database."},
    {"gesso_usage_dropped_total", MetricType::kCounter, "reason",
     "Entries of the usage log that are lost: the queue was full (full), there was no time at the "
     "end (late), the database cannot store them (unfit)."},
    {"gesso_usage_failed_batches_total", MetricType::kCounter, "",
     "Batches of the usage log that were tried in vain, and again later."},
    {"gesso_usage_queued", MetricType::kGauge, "", "Entries of the usage log that wait."},
    {"gesso_usage_queue_age_seconds", MetricType::kGauge, "",
     "How long the oldest entry of the usage log that waits has waited."},
    // Mail
    {"gesso_mail_queued_total", MetricType::kCounter, "", "Mails that were queued."},
    {"gesso_mail_done_total", MetricType::kCounter, "outcome",
     "Mails that left the queue: sent, failed (given up), or needless (nobody was to get it)."},
    {"gesso_mail_dropped_total", MetricType::kCounter, "reason",
     "Mails that are lost: the queue was full (full), there was no time at the end (late)."},
    {"gesso_mail_queued", MetricType::kGauge, "", "Mails that wait to be sent."},
    // Credits
    {"gesso_credits_granted_total", MetricType::kCounter, "",
     "Credits given to new users, by credit periods of subscriptions, and by hand."},
    {"gesso_credits_held_total", MetricType::kCounter, "", "Credits taken by charges."},
    {"gesso_credits_captured_total", MetricType::kCounter, "",
     "Credits of charges whose generation was stored."},
    {"gesso_credits_released_total", MetricType::kCounter, "",
     "Credits of charges that came to nothing, given back."},
    {"gesso_credits_refunded_total", MetricType::kCounter, "",
     "Credits given back for generations that failed or were cancelled."},
    {"gesso_holds_open", MetricType::kGauge, "",
     "Holds of charges and refunds that are not resolved yet; of 1,000 users and of 1,000 "
     "subscriptions at most."},
    {"gesso_hold_oldest_age_seconds", MetricType::kGauge, "",
     "How long the oldest open hold has stood; 0 where there is none."},
    // Generations
    {"gesso_generations_waiting", MetricType::kGauge, "status",
     "Generations that are pending or processing, of all users, to 10,000."},
    {"gesso_generation_queue_age_seconds", MetricType::kGauge, "",
     "How long the oldest pending generation has waited; 0 where there is none."},
    {"gesso_backlog_age_seconds", MetricType::kGauge, "",
     "How old the figures of open holds and waiting generations are."},
    {"gesso_event_streams", MetricType::kGauge, "",
     "Clients that wait for what becomes of a generation, each by a stream of events."},
    {"gesso_change_stream_open", MetricType::kGauge, "",
     "1 while the database's change stream tells of changes of generations; 0 while nobody waits "
     "for any, or it failed and they are polled."},
    {"gesso_change_stream_changes_total", MetricType::kCounter, "",
     "Changes of generations that the database's change stream told of."},
    {"gesso_change_stream_failures_total", MetricType::kCounter, "",
     "How often the database's change stream failed, or could not be opened."},
    // Workers
    {"gesso_worker_claims_total", MetricType::kCounter, "provider attempt",
     "Generations that this process's worker claimed, by provider, for the first time (first) or "
     "after an attempt that came to nothing (again)."},
    {"gesso_worker_steps_total", MetricType::kCounter, "provider step outcome",
     "Steps of claimed generations, by provider, step (asking, polling, saving, ...) and what it "
     "came to (refused, busy, no_answer, imaged, ...)."},
    {"gesso_worker_ends_total", MetricType::kCounter, "provider outcome",
     "How the work on claims ended, by provider: completed, failed (another attempt may follow), "
     "handed_back, lost (the lease had expired), gone (the generation was deleted), left (the "
     "database did not take the end)."},
    {"gesso_worker_generations", MetricType::kGauge, "provider",
     "Generations that this process's worker is at work on, by provider."},
    {"gesso_provider_backing_off", MetricType::kGauge, "provider",
     "Generations at work that wait because the provider answered that it is busy or cannot be "
     "reached."},
    {"gesso_provider_painting_duration_seconds", MetricType::kHistogram, "provider",
     "From asking a provider until it gave the images, by provider."},
    {"gesso_generation_duration_seconds", MetricType::kHistogram, "provider",
     "From a user's request for a generation until it is completed, by provider."},
    {"gesso_images_stored_total", MetricType::kCounter, "",
     "Images that were put into the store, small ones among them."},
    {"gesso_images_stored_bytes_total", MetricType::kCounter, "",
     "Bytes of images that were put into the store."},
    // Sweeps and webhooks
    {"gesso_sweep_duration_seconds", MetricType::kHistogram, "sweep outcome",
     "How long each sweep took, by sweep (charges, accounts, subscriptions, images) and outcome."},
    {"gesso_sweep_changes_total", MetricType::kCounter, "change",
     "What the sweeps found and changed: holds resolved, subscriptions renewed, ..."},
    {"gesso_webhooks_total", MetricType::kCounter, "provider outcome",
     "Events of providers that were taken, by what they led to (applied, repeated, ignored, "
     "parked)."},
};

// The row of that name; a name without one does not compile.
[[nodiscard]] consteval const MetricInfo& metric(std::string_view name) {
  for (const MetricInfo& info : kMetrics) {
    if (info.name == name) return info;
  }
  throw "no such metric: add it to kMetrics";
}

// A line for each: "gesso_mail_dropped_total counter reason".
[[nodiscard]] std::string metric_names();
// docs/METRICS.md.
[[nodiscard]] std::string metrics_markdown();

}  // namespace gesso::api
