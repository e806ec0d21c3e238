// The metrics of the last hour: what is kept, what is told, and how an administrator asks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/api/metric_history.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Time at(int seconds) { return Time(std::chrono::seconds(seconds)); }

MetricSample sample(std::string name, double value, MetricLabels labels = {}) {
  return {.name = std::move(name), .labels = std::move(labels), .value = value};
}

TEST(MetricHistory, TellsEachSeriesAtEachTime) {
  MetricHistory history(10);
  history.add(at(5), {sample("a", 1), sample("b", 7, {{"kind", "x"}})});
  history.add(at(10),
              {sample("a", 2), sample("b", 8, {{"kind", "x"}}), sample("b", 3, {{"kind", "y"}})});
  const MetricExcerpt all = history.excerpt({}, 100);
  EXPECT_THAT(all.times, ElementsAre(at(5), at(10)));
  ASSERT_THAT(all.series, SizeIs(3));
  EXPECT_EQ(all.series[0].name, "a");
  EXPECT_THAT(all.series[0].values, ElementsAre(1, 2));
  EXPECT_EQ(all.series[2].labels, (MetricLabels{{"kind", "y"}}));
  EXPECT_THAT(all.series[2].values, ElementsAre(0, 3));  // it came later
}

TEST(MetricHistory, LeavesOutWhatIsZeroThroughout) {
  MetricHistory history(10);
  history.add(at(5), {sample("a", 0), sample("b", 1)});
  history.add(at(10), {sample("a", 0), sample("b", 0)});
  EXPECT_THAT(history.excerpt({}, 100).series, SizeIs(1));
  EXPECT_THAT(history.excerpt(at(5), 100).series, IsEmpty());
}

TEST(MetricHistory, TellsWhatCameSinceAndForgetsTheOldest) {
  MetricHistory history(3);
  for (int second = 1; second <= 5; ++second) history.add(at(second), {sample("a", second)});
  EXPECT_THAT(history.excerpt({}, 100).times, ElementsAre(at(3), at(4), at(5)));
  EXPECT_THAT(history.excerpt(at(4), 100).times, ElementsAre(at(5)));
  EXPECT_THAT(history.excerpt(at(5), 100).times, IsEmpty());
}

TEST(MetricHistory, ThinsOutEvenlyAndKeepsTheNewest) {
  MetricHistory history(100);
  for (int second = 1; second <= 10; ++second) history.add(at(second), {sample("a", second)});
  EXPECT_THAT(history.excerpt({}, 4).times, ElementsAre(at(1), at(4), at(7), at(10)));
  EXPECT_THAT(history.excerpt({}, 1).times, ElementsAre(at(10)));
  EXPECT_THAT(history.excerpt({}, 10).times, SizeIs(10));
}

TEST(MetricHistory, HasABoundForSeries) {
  MetricHistory history(10);
  std::vector<MetricSample> many;
  for (std::size_t i = 0; i < MetricHistory::kMostSeries + 5; ++i) {
    many.push_back(sample(std::to_string(i), 1));
  }
  history.add(at(1), many);
  EXPECT_THAT(history.excerpt({}, 10).series, SizeIs(MetricHistory::kMostSeries));
}

TEST(MetricSampler, SamplesAgainAndAgainUntilItEnds) {
  MetricHistory history(100);
  const SystemClock clock;
  std::atomic<int> asked = 0;
  {
    const MetricSampler sampler(history, clock, 1ms,
                                [&] { return std::vector{sample("asked", ++asked)}; });
    while (asked < 3) std::this_thread::yield();
  }
  const int ended = asked;
  EXPECT_THAT(history.excerpt({}, 100).times, SizeIs(std::min(ended, 100)));
}

TEST(Metrics, AreFiguresTooAndHistogramsAreSummedOverLabels) {
  Metrics metrics;
  metrics.request("getMe", 200, 2ms);
  metrics.request("getMe", 404, 40ms);
  metrics.problem("getMe", "not_found");
  std::map<std::string, double> found;
  for (const MetricSample& one : metrics.samples({})) {
    std::string key = one.name;
    for (const auto& [name, value] : one.labels) key += " " + name + "=" + value;
    found[key] = one.value;
  }
  EXPECT_EQ(found["gesso_request_duration_seconds_count operation=getMe status=2xx"], 1);
  EXPECT_NEAR(found["gesso_request_duration_seconds_sum operation=getMe status=4xx"], 0.04, 1e-9);
  EXPECT_EQ(found["gesso_request_duration_seconds_bucket le=0.0025"], 1);
  EXPECT_EQ(found["gesso_request_duration_seconds_bucket le=0.05"], 2);
  EXPECT_EQ(found["gesso_request_duration_seconds_bucket le=30"], 2);
  EXPECT_EQ(found["gesso_request_duration_seconds_bucket le=+Inf"], 2);
  EXPECT_EQ(found["gesso_problems_total code=not_found operation=getMe"], 1);
}

// They are read under a lock that the sampler takes, and thinned out: nothing for an I/O thread.
TEST(AdminMetrics, AreToldByAWorker) {
  const auto all = operations();
  const auto found = std::ranges::find(all, "getMetricHistory",
                                       [](const Operation& one) { return one.info().id; });
  ASSERT_NE(found, all.end());
  EXPECT_EQ(found->place(), Place::kDatabase);
}

TEST(AdminMetrics, AreForAdministratorsAndTellWhatCameSince) {
  constexpr const char* kPath = "/api/v1/admin/metrics";
  testing::ServiceFixture fixture;
  const std::string token = fixture.token_of("ann@example.com");
  EXPECT_EQ(fixture.ask("GET", kPath, {}, token).status, 403);
  fixture.promote(token);
  auto& service = fixture.service();
  service.metric_history.add(at(1'000),
                             service.metrics.samples(metric_sources_of(service.services)));
  service.metric_history.add(at(2'000), {sample("gesso_mail_queued", 4)});

  const auto reply = fixture.ask("GET", kPath, {}, token);
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(reply.value().at("times").as_array(), SizeIs(2));
  EXPECT_THAT(reply.body, ::testing::HasSubstr("gesso_request_duration_seconds_count"));

  const auto since =
      fixture.ask("GET", std::string(kPath) + "?after=1970-01-01T00:16:40Z", {}, token);
  EXPECT_EQ(boost::json::serialize(since.value().at("series")),
            R"([{"name":"gesso_mail_queued","labels":[],"values":[4E0]}])");
}

}  // namespace
}  // namespace gesso::api
