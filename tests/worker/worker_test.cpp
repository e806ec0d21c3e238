// The worker over a database, with a provider that never ends by itself.
#include "gesso/worker/worker.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "gesso/domain/work_bell.hpp"
#include "gesso/images/local_blob_store.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/repositories/fixture.hpp"

namespace gesso::worker {
namespace {

using models::Generation;
using models::GenerationStatus;
using models::UserId;
using repositories::Database;
using repositories::GenerationRepository;
using repositories::RepositoryTest;
using namespace std::chrono_literals;

// Holds what it is asked for until it is stopped.
class HoldingProvider final : public providers::Provider {
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<Generation> asked_;

 public:
  [[nodiscard]] domain::ProviderKind kind() const override {
    return domain::ProviderKind::kPreview;
  }
  [[nodiscard]] std::size_t parallel() const override { return 64; }
  [[nodiscard]] bool blocks() const override { return true; }
  [[nodiscard]] bool is_free() const override { return true; }
  [[nodiscard]] providers::Answer begin(const providers::Job& job,
                                        const client::Call& call) override {
    const std::stop_callback stopped(call.stop, [this] { changed_.notify_all(); });
    std::unique_lock lock(mutex_);
    asked_.push_back(job.generation);
    changed_.notify_all();
    changed_.wait(lock, [&] { return call.stop.stop_requested(); });
    return providers::NoAnswer{"It was stopped."};
  }
  [[nodiscard]] providers::ModelAnswer look_up(const domain::ModelEntry& /*model*/,
                                               const client::Call& /*call*/) override {
    return {.state = providers::ModelState::kThere};
  }

  // Those that it was asked for, once they are so many.
  std::vector<Generation> asked(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 60s, [&] { return asked_.size() >= count; });
    return asked_;
  }
};

std::vector<Secret> one_root() {
  std::vector<Secret> roots;
  roots.emplace_back(std::string_view("0123456789abcdef0123456789abcdef"));
  return roots;
}

class WorkerTest : public RepositoryTest {
 protected:
  testing::TempDir folder_;
  images::SignedLinks links_{one_root(), 1h};
  images::LocalBlobStore store_{{.folder = folder_ / "images"}, links_};
  domain::ModelTable models_;
  domain::WorkBell bell_;

  std::unique_ptr<Worker> worker(providers::Provider& provider, const std::string& name,
                                 std::size_t parallel) {
    auto made = std::make_unique<Worker>(Database::get().service(), context_, models_,
                                         Providers{&provider, nullptr, nullptr}, store_,
                                         domain::GenerationHooks{.bell = &bell_},
                                         WorkerOptions{.name = name,
                                                       .parallel = parallel,
                                                       .parallel_per_user = parallel,
                                                       .claims = {.good_for = 1h}});
    made->start();
    return made;
  }
  void add_many(const UserId& user, std::size_t count) {
    with<GenerationRepository>([&](GenerationRepository generations) {
      std::vector<Generation> batch;
      for (std::size_t i = 0; i < count; ++i) {
        batch.push_back(generations.make_generation({.user_id = user, .prompt = "A lake"}));
        clock_.advance(1ms);
      }
      EXPECT_EQ(generations.create_many(batch).created, count);
    });
  }
};

// Looks for what may be claimed.
std::ptrdiff_t looks_among(const std::vector<repositories::SentCommand>& sent) {
  return std::ranges::count_if(sent, [](const repositories::SentCommand& one) {
    return one.name == "find" && one.command.view().at_path("filter.claimable_at");
  });
}

TEST_F(WorkerTest, OneLookServesAsManyClaimsAsThereIsRoomFor) {
  constexpr std::size_t kParallel = 24;
  add_many("user_ada", 100);
  HoldingProvider provider;
  Database::get().start_recording();
  const auto working = worker(provider, "worker-1", kParallel);
  EXPECT_EQ(provider.asked(kParallel).size(), kParallel);
  // One that is free, and one whose lease has expired.
  EXPECT_EQ(looks_among(Database::get().stop_recording()), 2);
  working->stop(0ms);
}

TEST_F(WorkerTest, WhoAsksForOneIsServedBesideWhoAskedForAHundred) {
  add_many("user_ada", 100);
  add_many("user_grace", 1);
  HoldingProvider provider;
  const auto working = worker(provider, "worker-1", 8);
  const auto asked = provider.asked(8);
  ASSERT_EQ(asked.size(), 8U);
  EXPECT_EQ(std::ranges::count(asked, UserId("user_grace"), &Generation::user_id), 1);
  working->stop(0ms);
}

TEST_F(WorkerTest, TwoWorkersThatRaceClaimEachGenerationOnce) {
  constexpr std::size_t kCount = 120;
  add_many("user_ada", kCount);
  HoldingProvider one;
  HoldingProvider other;
  Database::get().start_recording();
  const auto first = worker(one, "worker-1", kCount / 2);
  const auto second = worker(other, "worker-2", kCount / 2);
  auto asked = one.asked(kCount / 2);
  const auto asked_too = other.asked(kCount / 2);
  const auto sent = Database::get().stop_recording();
  asked.insert(asked.end(), asked_too.begin(), asked_too.end());
  std::set<std::string> ids;
  for (const Generation& generation : asked) {
    ids.insert(generation.id.str());
    EXPECT_EQ(generation.attempts, 1);
  }
  EXPECT_EQ(asked.size(), kCount);
  EXPECT_EQ(ids.size(), kCount);
  // What the other one has is passed over, and not looked for anew.
  EXPECT_LE(looks_among(sent), static_cast<std::ptrdiff_t>(kCount / 2));
  const auto claims = std::ranges::count(sent, "findAndModify", &repositories::SentCommand::name);
  EXPECT_LE(claims, static_cast<std::ptrdiff_t>(3 * kCount));
  first->stop(0ms);
  second->stop(0ms);
}

}  // namespace
}  // namespace gesso::worker
