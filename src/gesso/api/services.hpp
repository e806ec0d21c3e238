// What the operations of every resource share. Thread-safe, as its parts are.
//
// Borrows. Units of work use the hash pool, and its tasks use the service: end with the HTTP
// server's `stop`, then the service's, and only then destroy them, in any order.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "gesso/api/billing_services.hpp"
#include "gesso/api/metrics.hpp"
#include "gesso/api/recorder.hpp"
#include "gesso/api/secret_state.hpp"
#include "gesso/domain/account_services.hpp"
#include "gesso/domain/backlog.hpp"
#include "gesso/domain/generation_work.hpp"
#include "gesso/domain/generations.hpp"
#include "gesso/domain/hash_pool.hpp"
#include "gesso/domain/jwt.hpp"
#include "gesso/domain/limited_attempts.hpp"
#include "gesso/domain/limiter.hpp"
#include "gesso/domain/model_table.hpp"
#include "gesso/domain/oauth/sign_in.hpp"
#include "gesso/domain/usage_recorder.hpp"
#include "gesso/http/cors.hpp"
#include "gesso/http/security_headers.hpp"
#include "gesso/images/blob_store.hpp"
#include "gesso/images/signed_links.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/repository_context.hpp"

namespace gesso::domain {
class GenerationFeed;
}
namespace gesso::http {
class Server;
}

namespace gesso::api {

class MetricHistory;

// Images that this service keeps itself. Borrows; nullptr where they are elsewhere.
struct LocalImages {
  images::BlobStore* store = nullptr;
  const images::SignedLinks* links = nullptr;
};

// A preview of everything, a credit an image.
inline const domain::ModelTable kPreviews;

// Nothing is sold, and no event is taken.
inline const BillingServices kNoBilling;

struct Services {
  mongo::Service& database;
  const repositories::RepositoryContext& repository_context;
  const domain::Tokens& tokens;
  const domain::AccountServices& accounts;
  domain::HashPool& hashes;
  Metrics& metrics;
  domain::Limiter* limiter = nullptr;      // nullptr: nothing is limited
  domain::UsageRecorder* usage = nullptr;  // nullptr: nothing is logged
  std::chrono::milliseconds request_timeout{30'000};
  http::Cors cors = http::Cors();
  std::string version = "0";  // of the program, for the document
  AskSecretState secret_state = {};
  AccessLog access_log = {};
  domain::HashPool* outgoing = nullptr;      // for what asks other services; none: `hashes`
  domain::oauth::SignIn* sign_in = nullptr;  // nobody signs in with another's account without it
  // Where providers send browsers back to, "{provider}" in it for the provider's name: exactly what
  // is registered with them.
  std::string sign_in_redirect_uri = {};
  const BillingServices* billing = &kNoBilling;
  // Of Replicate's webhooks: two while one is replaced; none: no event is taken.
  std::span<const Secret> replicate_webhook_secrets = {};
  domain::GenerationHooks generation_hooks = {};
  domain::WorkOptions work = {};  // what workers are held to
  const domain::ModelTable* models = &kPreviews;
  LocalImages local_images = {};
  // "": responses over HTTPS do not say that the host is to be asked over HTTPS alone.
  std::string strict_transport = std::string(http::kStrictTransport);
  // Set once the service is about to stop, and is to be sent no more requests.
  const std::atomic<bool>* ending = nullptr;
  // What is shown of these among the metrics, where they are there.
  const http::Server* server = nullptr;
  const domain::LimitedAttempts* attempts = nullptr;
  const domain::BacklogWatch* backlog = nullptr;
  std::function<std::optional<domain::WorkFigures>()> work_figures = {};  // of a worker in here
  const domain::GenerationFeed* feed = nullptr;
  const MetricHistory* metric_history = nullptr;  // nullptr: none is kept
};

}  // namespace gesso::api
