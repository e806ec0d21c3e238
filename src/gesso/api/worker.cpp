// What image workers ask: a generation to work on, time for it, and to take the result. A worker
// calls with the scope `worker`, whoever's generation it is.
#include <string>

#include "gesso/api/operations.hpp"
#include "gesso/domain/generation_work.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::api {

using WorkerName = schema::Text<1, 64>;
using WorkerUrls = std::vector<models::Url>;

struct ClaimRequest {
  WorkerName worker;

  static constexpr std::string_view kName = "ClaimRequest";
  static constexpr std::string_view kAbout = "Who wants work.";
};
GESSO_FIELDS(ClaimRequest, (worker, "The worker's name, its own as long as it holds something."))

// A claim as a worker tells it with every call.
struct HeartbeatRequest {
  WorkerName worker;
  schema::NonNegative attempt;

  static constexpr std::string_view kName = "HeartbeatRequest";
  static constexpr std::string_view kAbout = "A worker that is still at it.";
};
GESSO_FIELDS(HeartbeatRequest, (worker, "The worker's name."),
             (attempt, "Of the claim, as it was answered."))

struct CompleteRequest {
  WorkerName worker;
  schema::NonNegative attempt;
  WorkerUrls result_urls;
  WorkerUrls blob_urls = {};

  static constexpr std::string_view kName = "CompleteRequest";
  static constexpr std::string_view kAbout = "The images of a generation.";
};
GESSO_FIELDS(CompleteRequest, (worker, schema::field_about<&HeartbeatRequest::worker>),
             (attempt, schema::field_about<&HeartbeatRequest::attempt>),
             (result_urls, "Where the images are."),
             (blob_urls, "Where we keep them.", schema::kHasDefault))

using domain::FailureKind;

struct FailRequest {
  WorkerName worker;
  schema::NonNegative attempt;
  FailureKind kind = FailureKind::kFinal;
  std::string reason;

  static constexpr std::string_view kName = "FailRequest";
  static constexpr std::string_view kAbout = "Why a generation has no images.";
};
GESSO_FIELDS(
    FailRequest, (worker, schema::field_about<&HeartbeatRequest::worker>),
    (attempt, schema::field_about<&HeartbeatRequest::attempt>),
    (kind,
     "final: it cannot be done; retryable: another attempt may succeed; cancelled: stopped "
     "because its user asked.",
     schema::kHasDefault),
    (reason, "For the user. Longer than 2000 characters, it is cut."))

struct WorkItem {
  models::Generation generation;
  schema::NonNegative attempt;
  Time lease_until;

  static constexpr std::string_view kName = "WorkItem";
  static constexpr std::string_view kAbout = "A generation to work on.";
};
GESSO_FIELDS(WorkItem, (generation, "What is to be painted."),
             (attempt, "Tells this claim from all others; to be told with every call."),
             (lease_until, "Until when it is the worker's, but for a heartbeat."))

struct ClaimAnswer {
  std::optional<WorkItem> work = {};

  static constexpr std::string_view kName = "ClaimAnswer";
  static constexpr std::string_view kAbout = "Something to work on, if there is any.";
};
GESSO_FIELDS(ClaimAnswer, (work, "Absent where nothing waits."))

struct HeartbeatAnswer {
  Time lease_until;
  bool cancel_requested = false;

  static constexpr std::string_view kName = "HeartbeatAnswer";
  static constexpr std::string_view kAbout = "How long a worker has still got.";
};
GESSO_FIELDS(HeartbeatAnswer, (lease_until, "Until when it is the worker's now."),
             (cancel_requested, "Whether its user wants it stopped: say `cancelled`, by fail."))

struct ClaimWork {
  ClaimRequest body;
};
GESSO_FIELDS(ClaimWork, (body, "Who wants work."))
struct SendHeartbeat {
  std::string id;
  HeartbeatRequest body;
};
GESSO_FIELDS(SendHeartbeat, (id, "Of which generation."), (body, "Whose."))
struct CompleteWork {
  std::string id;
  CompleteRequest body;
};
GESSO_FIELDS(CompleteWork, (id, "Which generation."), (body, "Its images."))
struct FailWork {
  std::string id;
  FailRequest body;
};
GESSO_FIELDS(FailWork, (id, "Which generation."), (body, "Why."))

namespace {

using models::Generation;

using LeaseLost = Problem<409, "lease_lost", "Lease lost">;

domain::GenerationWork work(const Services& services, mongo::Session& session) {
  return {session, services.repository_context, services.work, services.generation_hooks};
}
domain::GenerationWork work(const DatabaseCall& call) { return work(call.services, call.session); }

NotFound no_such_generation() { return {.detail = "There is no such generation"}; }
LeaseLost lease_lost() {
  return {.detail = "The generation is not this worker's by this attempt any more"};
}

template <class Asked>
std::optional<domain::Claim> claim_of(const Asked& asked) {
  const auto id = models::GenerationId::parse(asked.id);
  if (!id) return std::nullopt;
  return domain::Claim{.generation_id = *id,
                       .worker = asked.body.worker.str(),
                       .attempt = asked.body.attempt.value()};
}

Result<Generation, NotFound, LeaseLost> answer_to(domain::EndOutcome outcome) {
  if (auto* generation = std::get_if<Generation>(&outcome)) return std::move(*generation);
  if (std::holds_alternative<domain::LeaseLost>(outcome)) return lease_lost();
  return no_such_generation();
}

Result<ClaimAnswer> claim_work(DatabaseCall& call, const ClaimWork& asked) {
  if (call.client_gone.stop_requested()) return ClaimAnswer{};
  auto claimed = work(call).claim(asked.body.worker.str());
  if (!claimed) return ClaimAnswer{};
  // A worker that has gone meanwhile does not know of it: the next one need not wait for its lease.
  domain::Claim claim{.generation_id = claimed->id,
                      .worker = asked.body.worker.str(),
                      .attempt = claimed->attempts.value()};
  if (call.client_gone.stop_requested()) {
    work(call).hand_back(claim);
    return ClaimAnswer{};
  }
  call.unless_answered([&services = call.services, claim = std::move(claim)](
                           mongo::Session& session) { work(services, session).hand_back(claim); });
  const auto attempt = claimed->attempts;
  const Time until = claimed->claimable_at;
  return ClaimAnswer{
      .work =
          WorkItem{.generation = *std::move(claimed), .attempt = attempt, .lease_until = until}};
}

Result<HeartbeatAnswer, NotFound, LeaseLost> send_heartbeat(DatabaseCall& call,
                                                            const SendHeartbeat& asked) {
  const auto claim = claim_of(asked);
  if (!claim) return no_such_generation();
  const auto outcome = work(call).heartbeat(*claim);
  if (const auto* held = std::get_if<domain::StillHeld>(&outcome)) {
    return HeartbeatAnswer{.lease_until = held->lease_until,
                           .cancel_requested = held->cancel_requested};
  }
  if (std::holds_alternative<domain::LeaseLost>(outcome)) return lease_lost();
  return no_such_generation();
}

Result<Generation, NotFound, LeaseLost> complete_work(DatabaseCall& call,
                                                      const CompleteWork& asked) {
  const auto claim = claim_of(asked);
  if (!claim) return no_such_generation();
  return answer_to(work(call).complete(
      *claim, {.result_urls = asked.body.result_urls, .blob_urls = asked.body.blob_urls}));
}

Result<Generation, NotFound, LeaseLost> fail_work(DatabaseCall& call, const FailWork& asked) {
  const auto claim = claim_of(asked);
  if (!claim) return no_such_generation();
  return answer_to(work(call).fail(*claim, asked.body.kind, asked.body.reason));
}

constexpr Operation kOperations[] = {
    operation<claim_work>({.method = http::Method::kPost,
                           .path = "/api/v1/worker/claim",
                           .id = "claimWork",
                           .tag = "Worker",
                           .summary = "Claim the generation that has waited longest.",
                           .scope = Scope::kWorker,
                           .limit = LimitClass::kWorker}),
    operation<send_heartbeat>({.method = http::Method::kPost,
                               .path = "/api/v1/worker/generations/{id}/heartbeat",
                               .id = "sendHeartbeat",
                               .tag = "Worker",
                               .summary = "Keep a claim, and learn whether to stop.",
                               .scope = Scope::kWorker,
                               .limit = LimitClass::kWorker}),
    operation<complete_work>({.method = http::Method::kPost,
                              .path = "/api/v1/worker/generations/{id}/complete",
                              .id = "completeWork",
                              .tag = "Worker",
                              .summary = "Hand in the images of a generation.",
                              .scope = Scope::kWorker,
                              .limit = LimitClass::kWorker}),
    operation<fail_work>({.method = http::Method::kPost,
                          .path = "/api/v1/worker/generations/{id}/fail",
                          .id = "failWork",
                          .tag = "Worker",
                          .summary = "Say that there will be no images, for now or for good.",
                          .scope = Scope::kWorker,
                          .limit = LimitClass::kWorker}),
};

}  // namespace

Operations worker_operations() { return kOperations; }

}  // namespace gesso::api
