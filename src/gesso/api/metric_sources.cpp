#include "gesso/api/metric_sources.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/api/detail/metric_families.hpp"
#include "gesso/domain/hash_pool.hpp"
#include "gesso/domain/limited_attempts.hpp"
#include "gesso/domain/limiter.hpp"
#include "gesso/domain/mailer.hpp"
#include "gesso/domain/usage_recorder.hpp"
#include "gesso/http/server.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/credit_counters.hpp"

namespace gesso::api::detail {
namespace {

void add_server(MetricFamilies& families, const http::Server& server) {
  families.add(metric("gesso_http_connections"), server.connections());
  families.add(metric("gesso_http_outstanding_bytes"), server.outstanding_bytes());
}

void add_pools(MetricFamilies& families, const MetricSources& sources) {
  const MetricInfo& queued = metric("gesso_pool_queued");
  if (sources.hashes != nullptr) families.add(queued, sources.hashes->waiting(), {"hashing"});
  if (sources.outgoing != nullptr) families.add(queued, sources.outgoing->waiting(), {"outgoing"});
}

void add_database(MetricFamilies& families, const mongo::Service& service) {
  const mongo::PoolStatus pool = service.status();
  families.add(metric("gesso_database_workers"), pool.workers);
  families.add(metric("gesso_database_busy"), pool.busy);
  families.add(metric("gesso_database_queued"), pool.queued);
  families.add(metric("gesso_database_queue_age_seconds"), pool.longest_wait);
  families.add(metric("gesso_database_connections"), pool.open_connections);
  families.add(metric("gesso_database_epoch"), service.pool_number());
  families.add(metric("gesso_database_info"), 1, {to_string(service.dialect())});
  families.add(metric("gesso_database_throughput_limit"), pool.throughput_limit);
}

void add_secret(MetricFamilies& families, const SecretState& secret) {
  families.add(metric("gesso_secret_state"), 1, {secret.state});
  families.add(metric("gesso_secret_healthy"), secret.healthy ? 1 : 0);
  families.add(metric("gesso_secret_age_seconds"), secret.age);
  families.add(metric("gesso_secret_stale_seconds"), secret.stale_for);
  if (secret.last_read) {
    families.add(metric("gesso_secret_last_read_timestamp_seconds"),
                 secret.last_read->time_since_epoch());
  }
  families.add(metric("gesso_secret_reads_total"), secret.reads);
  families.add(metric("gesso_secret_read_failures_total"), secret.read_failures);
  families.add(metric("gesso_secret_applies_total"), secret.applies);
  families.add(metric("gesso_secret_refusals_total"), secret.refusals);
  families.add(metric("gesso_secret_rotations_total"), secret.rotations);
  families.add(metric("gesso_secret_renewals_total"), secret.renewals);
}

void add_limiters(MetricFamilies& families, const MetricSources& sources) {
  std::vector<std::pair<std::string_view, domain::LimiterStatistics>> all;
  if (sources.limiter != nullptr) all.emplace_back("requests", sources.limiter->statistics());
  if (sources.attempts != nullptr) {
    for (auto& one : sources.attempts->statistics()) all.push_back(std::move(one));
  }
  for (const auto& [name, statistics] : all) {
    for (std::size_t i = 0; i < statistics.by_class.size(); ++i) {
      const auto& [allowed, refused] = statistics.by_class[i];
      const std::string_view limit_class = schema::kWireTexts<domain::LimitClass>[i];
      const bool is_asked = limit_class == schema::to_string(domain::LimitClass::kLogin) ||
                            (name == "requests" && limit_class != "none");
      if (!is_asked) continue;
      const MetricInfo& calls = metric("gesso_limiter_calls_total");
      families.add(calls, allowed, {name, limit_class, "allowed"});
      families.add(calls, refused, {name, limit_class, "refused"});
    }
  }
  const auto add = [&](const MetricInfo& info, auto member) {
    for (const auto& [name, statistics] : all) families.add(info, statistics.*member, {name});
  };
  using Statistics = domain::LimiterStatistics;
  add(metric("gesso_limiter_alone_total"), &Statistics::allowed_alone);
  add(metric("gesso_limiter_leases_total"), &Statistics::leases);
  add(metric("gesso_limiter_lease_failures_total"), &Statistics::failed_leases);
  add(metric("gesso_limiter_lost_calls_total"), &Statistics::lost);
  add(metric("gesso_limiter_held_calls"), &Statistics::held);
  add(metric("gesso_limiter_subjects"), &Statistics::subjects);
}

std::chrono::milliseconds age(const std::optional<Time>& since, Time now) {
  return since ? std::max(now - *since, Time::duration{0}) : Time::duration{0};
}

void add_usage(MetricFamilies& families, const domain::UsageStatistics& usage, Time now) {
  families.add(metric("gesso_usage_recorded_total"), usage.recorded);
  families.add(metric("gesso_usage_written_total"), usage.written);
  const MetricInfo& dropped = metric("gesso_usage_dropped_total");
  families.add(dropped, usage.dropped_full, {"full"});
  families.add(dropped, usage.dropped_late, {"late"});
  families.add(dropped, usage.dropped_unfit, {"unfit"});
  families.add(metric("gesso_usage_failed_batches_total"), usage.failed_batches);
  families.add(metric("gesso_usage_queued"), usage.waiting);
  families.add(metric("gesso_usage_queue_age_seconds"), age(usage.oldest, now));
}

void add_mail(MetricFamilies& families, const domain::MailQueue& mail) {
  const domain::MailCounts counts = mail.counts();
  families.add(metric("gesso_mail_queued_total"), counts.queued);
  const MetricInfo& done = metric("gesso_mail_done_total");
  families.add(done, counts.sent, {"sent"});
  families.add(done, counts.failed, {"failed"});
  families.add(done, counts.idle, {"needless"});
  const MetricInfo& dropped = metric("gesso_mail_dropped_total");
  families.add(dropped, counts.refused, {"full"});
  families.add(dropped, counts.dropped, {"late"});
  families.add(metric("gesso_mail_queued"), mail.waiting());
}

void add_credits(MetricFamilies& families, const repositories::CreditCounters& credits) {
  families.add(metric("gesso_credits_granted_total"), credits.granted.load());
  families.add(metric("gesso_credits_held_total"), credits.held.load());
  families.add(metric("gesso_credits_captured_total"), credits.captured.load());
  families.add(metric("gesso_credits_released_total"), credits.released.load());
  families.add(metric("gesso_credits_refunded_total"), credits.refunded.load());
}

void add_backlog(MetricFamilies& families, const domain::Backlog& backlog, Time now) {
  families.add(metric("gesso_holds_open"), backlog.open_holds);
  families.add(metric("gesso_hold_oldest_age_seconds"), age(backlog.oldest_hold_at, now));
  const MetricInfo& waiting = metric("gesso_generations_waiting");
  families.add(waiting, backlog.pending, {"pending"});
  families.add(waiting, backlog.processing, {"processing"});
  families.add(metric("gesso_generation_queue_age_seconds"), age(backlog.oldest_pending_at, now));
  families.add(metric("gesso_backlog_age_seconds"), age(backlog.read_at, now));
}

void add_feed(MetricFamilies& families, const domain::FeedFigures& feed) {
  families.add(metric("gesso_change_stream_open"), feed.is_open ? 1 : 0);
  families.add(metric("gesso_change_stream_changes_total"), feed.changes);
  families.add(metric("gesso_change_stream_failures_total"), feed.failures);
}

void add_work(MetricFamilies& families, const domain::WorkFigures& work) {
  for (const auto& [provider, figures] : work.by_provider) {
    families.add(metric("gesso_worker_generations"), figures.at_work, {provider});
  }
  for (const auto& [provider, figures] : work.by_provider) {
    families.add(metric("gesso_provider_backing_off"), figures.backing_off, {provider});
  }
}

}  // namespace

void add_sources(MetricFamilies& families, const MetricSources& sources) {
  if (!sources.version.empty()) families.add(metric("gesso_build_info"), 1, {sources.version});
  if (sources.server != nullptr) add_server(families, *sources.server);
  add_pools(families, sources);
  if (sources.database != nullptr) add_database(families, *sources.database);
  if (sources.secret) add_secret(families, *sources.secret);
  add_limiters(families, sources);
  if (sources.usage != nullptr) add_usage(families, sources.usage->statistics(), sources.now);
  if (sources.mail != nullptr) add_mail(families, *sources.mail);
  if (sources.credits != nullptr) add_credits(families, *sources.credits);
  if (sources.backlog) add_backlog(families, *sources.backlog, sources.now);
  if (sources.event_streams) families.add(metric("gesso_event_streams"), *sources.event_streams);
  if (sources.feed) add_feed(families, *sources.feed);
  if (sources.work) add_work(families, *sources.work);
}

}  // namespace gesso::api::detail
