// What is asked for its figures when metrics are shown: the parts of a running service that count
// for themselves. Borrowed; those that are not there are left out.
#pragma once

#include <optional>
#include <string>

#include "gesso/api/secret_state.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/domain/backlog.hpp"
#include "gesso/domain/generation_feed.hpp"
#include "gesso/domain/work_observer.hpp"

namespace gesso::domain {
class HashPool;
class LimitedAttempts;
class Limiter;
class MailQueue;
class UsageRecorder;
}  // namespace gesso::domain
namespace gesso::http {
class Server;
}
namespace gesso::mongo {
class Service;
}
namespace gesso::repositories {
struct CreditCounters;
}

namespace gesso::api {

struct Services;

namespace detail {
class MetricFamilies;
}

struct MetricSources {
  std::string version = {};  // of the program; "" shows none
  Time now = {};
  const http::Server* server = nullptr;
  const domain::HashPool* hashes = nullptr;
  const domain::HashPool* outgoing = nullptr;
  const mongo::Service* database = nullptr;
  std::optional<SecretState> secret = {};
  const domain::Limiter* limiter = nullptr;
  const domain::LimitedAttempts* attempts = nullptr;
  const domain::UsageRecorder* usage = nullptr;
  const domain::MailQueue* mail = nullptr;
  const repositories::CreditCounters* credits = nullptr;
  std::optional<domain::Backlog> backlog = {};
  std::optional<std::size_t> event_streams = {};
  std::optional<domain::FeedFigures> feed = {};
  std::optional<domain::WorkFigures> work = {};
};

// Those of a service, as they stand now. Thread-safe; never blocks.
[[nodiscard]] MetricSources metric_sources_of(const Services& services);

namespace detail {
// Thread-safe; never blocks for longer than it takes to look at every subject of the limiters.
void add_sources(MetricFamilies& families, const MetricSources& sources);
}  // namespace detail

}  // namespace gesso::api
