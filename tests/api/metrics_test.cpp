// What /metrics shows: the names, as they are kept in the tree, and that they tell what happens.
#include "gesso/api/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "gesso/api/metric_table.hpp"
#include "gesso/domain/limited_attempts.hpp"
#include "gesso/domain/sweeper.hpp"
#include "tests/api/service_fixture.hpp"
#include "tests/models/golden.hpp"

namespace gesso::api {
namespace {

using namespace std::chrono_literals;
using testing::Reply;
using testing::Running;
using testing::ServiceFixture;

// A family as a text shows it.
struct Shown {
  std::string type;
  std::string help;
  std::set<std::set<std::string>> labels;  // the names that each of its lines has
};

std::set<std::string> names_of(const std::string& labels) {
  std::set<std::string> names;
  std::size_t at = 0;
  while (at < labels.size()) {
    const std::size_t equals = labels.find("=\"", at);
    if (equals == std::string::npos) break;
    if (const std::string name = labels.substr(at, equals - at); name != "le") names.insert(name);
    at = labels.find('"', equals + 2) + 2;
  }
  return names;
}

// What a text in Prometheus' format holds, by name.
std::map<std::string, Shown> read(const std::string& text) {
  std::map<std::string, Shown> families;
  std::string current;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, kind, name;
    if (line.starts_with("# ")) {
      words >> hash >> kind >> name;
      std::string rest;
      std::getline(words >> std::ws, rest);
      (kind == "TYPE" ? families[name].type : families[name].help) = rest;
      current = name;
      continue;
    }
    const std::size_t open = line.find('{');
    const bool is_labelled = open < line.find(' ');
    EXPECT_TRUE(line.starts_with(current)) << line;
    families[current].labels.insert(
        is_labelled ? names_of(line.substr(open + 1, line.rfind('}') - open - 1))
                    : std::set<std::string>());
  }
  return families;
}

std::set<std::string> split(std::string_view words) {
  std::istringstream in{std::string(words)};
  return {std::istream_iterator<std::string>(in), {}};
}

// The number on the line that begins with this name and its labels; -1 where there is none.
double value_in(const std::string& text, const std::string& name) {
  const std::size_t at = ("\n" + text).find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 1));
}

TEST(MetricTable, HasTheNamesThatAreKeptInTheTree) {
  models::testing::expect_golden("tests/api/metrics.golden", metric_names());
}

TEST(MetricTable, IsShownInTheDocuments) {
  models::testing::expect_golden("docs/METRICS.md", metrics_markdown());
}

TEST(MetricTable, NamesEachOnce) {
  std::set<std::string_view> names;
  for (const MetricInfo& info : kMetrics) EXPECT_TRUE(names.insert(info.name).second) << info.name;
}

class MetricsTest : public ::testing::Test {
 protected:
  ServiceFixture fixture;

  std::string text() { return fixture.ask("GET", "/metrics").body; }
  double value(const std::string& name) { return value_in(text(), name); }
  // Waits until the metric has that value; tells the one that it has.
  double wait_for(const std::string& name, double wanted) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    double found = value(name);
    while (found != wanted && std::chrono::steady_clock::now() < end) found = value(name);
    return found;
  }
  std::string create(const std::string& token) {
    const Reply made = fixture.ask("POST", "/api/v1/generations", R"({"prompt":"A fox"})", token);
    EXPECT_EQ(made.status, 201) << made.body;
    return std::string(made.value().at("id").as_string());
  }
};

TEST_F(MetricsTest, EveryRowOfTheTableIsShownWithItsLabelsAndNothingElseIs) {
  Running& running = fixture.service();
  Metrics metrics;
  metrics.request("getMe", 200, 5ms);
  metrics.problem("getMe", "unauthorized");
  metrics.refusal("request", 400);
  metrics.command("find", 1ms, true);
  metrics.charge({.operation = "find", .collection = "users", .request_units = 1, .delayed = 1ms});
  metrics.wait(1ms);
  metrics.pool_wait("hashing", 1ms);
  metrics.sweep({.name = "charges", .duration = 1ms, .ok = true, .changes = {{"holds", 1}}});
  metrics.webhook("stripe", "applied");
  metrics.claimed(domain::ProviderKind::kReplicate, 2);
  metrics.stepped(domain::ProviderKind::kReplicate, "asking", "busy");
  metrics.painted(domain::ProviderKind::kReplicate, 3s);
  metrics.stored(2, 1000);
  metrics.ended(domain::ProviderKind::kReplicate, domain::WorkEnd::kCompleted, 4s);
  const domain::LimitedAttempts attempts(running.repository_context);
  const std::string text = metrics.text(
      {.version = "1",
       .now = running.clock.now(),
       .server = &running.server,
       .hashes = &running.hashes,
       .outgoing = &running.hashes,
       .database = &running.database,
       .secret = SecretState{.state = "ready", .last_read = running.clock.now()},
       .limiter = &running.limiter,
       .attempts = &attempts,
       .usage = &running.usage,
       .mail = &running.mail,
       .credits = &running.credits,
       .backlog = domain::Backlog{.read_at = running.clock.now()},
       .event_streams = 1,
       .feed = domain::FeedFigures{.is_open = true, .changes = 2, .failures = 1},
       .work = domain::WorkFigures{{{"replicate", {.at_work = 3, .backing_off = 1}}}}});
  std::map<std::string, Shown> shown = read(text);
  for (const MetricInfo& info : kMetrics) {
    const auto found = shown.find(std::string(info.name));
    ASSERT_NE(found, shown.end()) << info.name << " is never shown";
    EXPECT_EQ(found->second.type, to_string(info.type)) << info.name;
    EXPECT_EQ(found->second.help, info.help);
    EXPECT_EQ(found->second.labels, (std::set<std::set<std::string>>{split(info.labels)}))
        << info.name;
    shown.erase(found);
  }
  for (const auto& [name, family] : shown) ADD_FAILURE() << name << " is not in the table";
}

TEST(WorkerMetrics, AreByProvider) {
  Metrics metrics;
  for (const std::int64_t attempt : {1, 1, 2}) {
    metrics.claimed(domain::ProviderKind::kOpenai, attempt);
  }
  metrics.stepped(domain::ProviderKind::kOpenai, "asking", "imaged");
  metrics.painted(domain::ProviderKind::kOpenai, 7s);
  metrics.stored(4, 3000);
  metrics.ended(domain::ProviderKind::kOpenai, domain::WorkEnd::kCompleted, 9s);
  metrics.ended(domain::ProviderKind::kOpenai, domain::WorkEnd::kLost, 60s);
  const std::string text =
      metrics.text({.work = domain::WorkFigures{
                        {{"openai", {.at_work = 5, .backing_off = 2}}, {"preview", {}}}}});
  const auto value = [&](const std::string& name) { return value_in(text, name); };
  EXPECT_EQ(value(R"(gesso_worker_claims_total{attempt="first",provider="openai"})"), 2);
  EXPECT_EQ(value(R"(gesso_worker_claims_total{attempt="again",provider="openai"})"), 1);
  EXPECT_EQ(value(R"(gesso_worker_steps_total{outcome="imaged",provider="openai",step="asking"})"),
            1);
  EXPECT_EQ(value(R"(gesso_worker_ends_total{outcome="completed",provider="openai"})"), 1);
  EXPECT_EQ(value(R"(gesso_worker_ends_total{outcome="lost",provider="openai"})"), 1);
  EXPECT_EQ(value(R"(gesso_provider_painting_duration_seconds_sum{provider="openai"})"), 7);
  // Of those that were completed alone.
  EXPECT_EQ(value(R"(gesso_generation_duration_seconds_sum{provider="openai"})"), 9);
  EXPECT_EQ(value("gesso_images_stored_total"), 4);
  EXPECT_EQ(value("gesso_images_stored_bytes_total"), 3000);
  EXPECT_EQ(value(R"(gesso_worker_generations{provider="openai"})"), 5);
  EXPECT_EQ(value(R"(gesso_worker_generations{provider="preview"})"), 0);
  EXPECT_EQ(value(R"(gesso_provider_backing_off{provider="openai"})"), 2);
}

TEST_F(MetricsTest, CreditsAreCountedOnTheirWay) {
  const std::string token = fixture.token_of("ann@example.com");
  EXPECT_EQ(value("gesso_credits_granted_total"), 10);
  create(token);
  const std::string second = create(token);
  EXPECT_EQ(value("gesso_credits_held_total"), 2);
  EXPECT_EQ(value("gesso_credits_captured_total"), 2);
  EXPECT_EQ(value("gesso_credits_refunded_total"), 0);
  EXPECT_EQ(fixture.ask("POST", "/api/v1/generations/" + second + "/cancel", {}, token).status,
            200);
  EXPECT_EQ(value("gesso_credits_refunded_total"), 1);
  EXPECT_EQ(value("gesso_credits_released_total"), 0);
}

TEST_F(MetricsTest, TheQueueOfGenerationsIsSeenWithItsAge) {
  const std::string token = fixture.token_of("ann@example.com");
  EXPECT_EQ(wait_for(R"(gesso_generations_waiting{status="pending"})", 0), 0);
  EXPECT_EQ(wait_for("gesso_generation_queue_age_seconds", 0), 0);
  create(token);
  create(token);
  EXPECT_EQ(wait_for(R"(gesso_generations_waiting{status="pending"})", 2), 2);
  EXPECT_GT(value("gesso_generation_queue_age_seconds"), 0);
  EXPECT_EQ(wait_for("gesso_holds_open", 0), 0);
}

TEST_F(MetricsTest, AnOpenHoldIsSeenWithItsAge) {
  fixture.token_of("ann@example.com");
  Running& running = fixture.service();
  const Time placed = running.clock.now() - 90s;
  running.database.run([&](mongo::Session& session) {
    repositories::UserRepository users(session, running.repository_context);
    const auto ann = users.find_by_email(schema::Email("ann@example.com")).value();
    users.update_by_id(ann.id,
                       query::update(query::push<&models::User::pending_charges>(
                           models::PendingCharge{.token = "gen_1",
                                                 .generation_id = models::GenerationId("gen_1"),
                                                 .credits = 1,
                                                 .at = placed})));
  });
  EXPECT_EQ(wait_for("gesso_holds_open", 1), 1);
  EXPECT_GE(value("gesso_hold_oldest_age_seconds"), 90);
}

TEST_F(MetricsTest, LimitsAreCountedByClassAndOutcome) {
  fixture.restart_with_limits("*.* = unlimited; free.read = 2/1d");
  const std::string token = fixture.token_of("ann@example.com");
  for (int i = 0; i < 4; ++i) fixture.ask("GET", "/api/v1/users/me", {}, token);
  const std::string shown = text();
  const auto calls = [&](const char* outcome) {
    return value_in(shown,
                    R"(gesso_limiter_calls_total{class="read",limiter="requests",outcome=")" +
                        std::string(outcome) + "\"}");
  };
  EXPECT_EQ(calls("allowed"), 2);
  EXPECT_EQ(calls("refused"), 2);
  EXPECT_GE(value_in(shown, R"(gesso_limiter_leases_total{limiter="requests"})"), 1);
  EXPECT_EQ(value_in(shown, R"(gesso_limiter_lease_failures_total{limiter="requests"})"), 0);
  EXPECT_EQ(value_in(shown, R"(gesso_problems_total{code="rate_limited",operation="getMe"})"), 2);
}

TEST_F(MetricsTest, SignInsThatFailAreCountedByTheirReason) {
  const std::string body = R"({"email":"ann@example.com","password":"correct horse"})";
  fixture.ask("POST", "/api/v1/auth/login", body);
  fixture.ask("POST", "/api/v1/auth/login", body);
  const std::string shown = text();
  EXPECT_EQ(value_in(shown, R"(gesso_problems_total{code="unauthorized",operation="login"})"), 2)
      << shown;
  EXPECT_GE(value_in(shown, R"(gesso_pool_wait_seconds_count{pool="hashing"})"), 2);
}

TEST_F(MetricsTest, TheUsageLogAndMailAreCounted) {
  const std::string token = fixture.token_of("ann@example.com");
  fixture.ask("GET", "/api/v1/users/me", {}, token);
  EXPECT_EQ(wait_for("gesso_usage_written_total", 3), 3);  // two of the token's
  EXPECT_EQ(value("gesso_usage_recorded_total"), 3);
  EXPECT_EQ(value(R"(gesso_usage_dropped_total{reason="full"})"), 0);
  EXPECT_EQ(value("gesso_mail_queued_total"), 1);
  EXPECT_EQ(wait_for(R"(gesso_mail_done_total{outcome="sent"})", 1), 1);
}

TEST(Metrics, SweepsAreCountedByOutcomeAndChange) {
  Metrics metrics;
  metrics.sweep(
      {.name = "charges", .duration = 1ms, .ok = true, .changes = {{"holds_resolved", 3}}});
  metrics.sweep({.name = "charges", .duration = 1ms, .ok = false});
  const std::string text = metrics.text({});
  EXPECT_EQ(value_in(text, R"(gesso_sweep_changes_total{change="holds_resolved"})"), 3);
  EXPECT_EQ(
      value_in(text, R"(gesso_sweep_duration_seconds_count{outcome="failed",sweep="charges"})"), 1);
}

}  // namespace
}  // namespace gesso::api
