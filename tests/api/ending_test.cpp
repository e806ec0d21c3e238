// What becomes of requests, events and claims when the service ends, or a client goes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <thread>

#include "gesso/domain/generation_watch.hpp"
#include "gesso/repositories/generation_repository.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using namespace std::chrono_literals;
using testing::Reply;
using testing::Running;
using testing::ServiceFixture;

// Where an answer goes that the test decides over.
class HeldAnswer final : public http::ResponseSink {
  std::promise<http::Response>& answer_;

 public:
  explicit HeldAnswer(std::promise<http::Response>& answer) : answer_(answer) {}

 private:
  void deliver(http::Response response) noexcept override {
    answer_.set_value(std::move(response));
  }
};

class EndingTest : public ::testing::Test {
 protected:
  ServiceFixture fixture;
  std::string admin;
  std::string generation;

  void SetUp() override {
    admin = fixture.token_of("root@example.com");
    fixture.promote(admin);
    const Reply made = fixture.ask("POST", "/api/v1/generations", R"({"prompt":"A fox"})", admin);
    generation = std::string(made.value().at("id").as_string());
  }
  models::Generation stored() {
    Running& running = fixture.service();
    return running.database
        .run([&](mongo::Session& session) {
          return repositories::GenerationRepository(session, running.repository_context)
              .find_by_id(models::GenerationId(generation));
        })
        .value();
  }
  // Waits until the generation is so, and tells whether it is.
  template <class Is>
  bool becomes(Is is) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!is(stored())) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  static bool is_free(const models::Generation& generation) {
    return generation.status == models::GenerationStatus::kPending && !generation.is_leased &&
           generation.attempts == 0;
  }
  http::Request claim() const {
    http::Request request;
    request.method = http::Method::kPost;
    request.path = "/api/v1/worker/claim";
    request.headers.add("Authorization", "Bearer " + admin);
    request.headers.add("Content-Type", "application/json");
    request.body = R"({"worker":"w-1"})";
    request.id = "req_1";
    return request;
  }
  // The answer to a claim, before anybody has it.
  http::Response claimed() {
    std::promise<http::Response> answer;
    fixture.service().application.answer(claim(),
                                         http::Responder(std::make_shared<HeldAnswer>(answer)));
    return answer.get_future().get();
  }
};

TEST_F(EndingTest, AClaimThatNobodyLearnedOfIsHandedBackAtOnce) {
  std::optional<http::Response> answer = claimed();
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->body, ::testing::HasSubstr(generation));
  EXPECT_EQ(stored().status, models::GenerationStatus::kProcessing);
  answer.reset();
  EXPECT_TRUE(becomes(is_free));
  // Nobody has to wait for its lease, and no attempt was used up.
  const Reply next = fixture.ask("POST", "/api/v1/worker/claim", R"({"worker":"w-2"})", admin);
  EXPECT_EQ(next.value().at("work").at("attempt"), 1);
  EXPECT_EQ(next.value().at("work").at("generation").at("id").as_string(), generation);
}

TEST_F(EndingTest, AClaimThatIsTakenIsTheWorkers) {
  std::optional<http::Response> answer = claimed();
  answer->delivery->taken();
  answer.reset();
  // What would hand it back would have been queued before this.
  EXPECT_TRUE(stored().is_leased);
  EXPECT_EQ(fixture
                .ask("POST", "/api/v1/worker/generations/" + generation + "/heartbeat",
                     R"({"worker":"w-1","attempt":1})", admin)
                .status,
            200);
}

TEST_F(EndingTest, NothingIsClaimedForAWorkerThatHasGone) {
  Running& running = fixture.service();
  std::stop_source gone;
  gone.request_stop();
  http::Request request = claim();
  request.client_gone = gone.get_token();
  std::promise<http::Response> answer;
  running.application.answer(std::move(request),
                             http::Responder(std::make_shared<HeldAnswer>(answer)));
  EXPECT_THAT(answer.get_future().get().body, ::testing::HasSubstr(R"("work":null)"));
  EXPECT_TRUE(is_free(stored()));
}

TEST_F(EndingTest, AWorkerThatGoesOverHttpHoldsNothing) {
  Running& running = fixture.service();
  // The workers of the database are held, so that the claim waits and its worker can go.
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::atomic<int> holding = 0;
  for (int i = 0; i < 4; ++i) {
    running.database.submit(
        Deadline::after(1min),
        [&, released](mongo::Session&) {
          ++holding;
          released.wait();
        },
        [](const std::exception_ptr&) {});
  }
  while (holding < 4) std::this_thread::yield();
  {
    http::testing::RawClient worker(running.server.port());
    worker.send(http::testing::request(
        "POST", "/api/v1/worker/claim",
        "Authorization: Bearer " + admin + "\r\nContent-Type: application/json\r\n",
        R"({"worker":"w-1"})"));
    while (running.database.status().queued == 0) std::this_thread::yield();
  }
  // It is gone; whether the server knows already or learns of it as it answers, nothing is held.
  release.set_value();
  while (running.server.connections() > 0) std::this_thread::yield();
  EXPECT_TRUE(becomes(is_free));
}

TEST_F(EndingTest, ReadinessSaysThatTheServiceIsAboutToEnd) {
  EXPECT_EQ(fixture.ask("GET", "/readyz").status, 200);
  fixture.service().ending = true;
  fixture.service().server.retire();
  const Reply unready = fixture.ask("GET", "/readyz");
  EXPECT_EQ(unready.status, 503);
  EXPECT_THAT(unready.body, ::testing::HasSubstr("about to end"));
  EXPECT_EQ(fixture.ask("GET", "/healthz").status, 200);
  const Reply served = fixture.ask("GET", "/api/v1/users/me", {}, admin);
  EXPECT_EQ(served.status, 200);
  EXPECT_EQ(served.raw.header("connection"), "close");
}

// An id of the stream's, behind "id: ".
std::string id_in(const std::string& event) {
  const std::size_t at = event.find("id: ") + 4;
  return event.substr(at, event.find('\n', at) - at);
}

TEST_F(EndingTest, AClientResumesItsEventsAtAnotherInstance) {
  const std::string path = "/api/v1/generations/" + generation + "/events";
  const auto follow = [&](http::testing::RawClient& client, const std::string& last) {
    std::string fields = "Authorization: Bearer " + admin + "\r\n";
    if (!last.empty()) fields += "Last-Event-ID: " + last + "\r\n";
    client.send(http::testing::request("GET", path, fields));
    return client.read_head().status;
  };
  std::string last;
  {
    Running& running = fixture.service();
    domain::GenerationWatch watch(running.database, running.repository_context);
    running.services.generation_hooks.watch = &watch;
    http::testing::RawClient client(running.server.port());
    ASSERT_EQ(follow(client, {}), 200);
    const std::string first = client.read_chunk();
    EXPECT_THAT(first, ::testing::HasSubstr("event: pending"));
    last = id_in(first);
    running.server.stop(10s);
    EXPECT_EQ(client.read_chunk(), "");  // the end, and no cut
    EXPECT_TRUE(client.closed());
    running.services.generation_hooks.watch = nullptr;
    running.database.run([&](mongo::Session& session) {
      repositories::GenerationRepository(session, running.repository_context)
          .mark_as_processing(models::GenerationId(generation), "pred_1");
    });
  }
  fixture.restart();
  Running& running = fixture.service();
  domain::GenerationWatch watch(running.database, running.repository_context);
  running.services.generation_hooks.watch = &watch;
  {
    http::testing::RawClient client(running.server.port());
    ASSERT_EQ(follow(client, last), 200);
    EXPECT_THAT(client.read_chunk(), ::testing::HasSubstr("event: processing"));
  }
  running.server.stop(10s);
}

}  // namespace
}  // namespace gesso::api
