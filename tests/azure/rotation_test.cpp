#include "gesso/azure/rotation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "gesso/base/error.hpp"
#include "gesso/testing/seeded_random.hpp"

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;
using State = RotationFsm::State;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// A vault and a database that a test changes while a Rotation runs against them.
class Stage {
 public:
  std::mutex mutex;  // guards all below
  std::condition_variable changed;
  std::string vault = "1";  // the latest version; empty: it is down
  std::set<std::string> keys{"1"};
  std::set<std::string> unreadable;
  bool database_up = true;
  bool read_hangs = false;
  bool apply_hangs = false;
  std::function<void(std::uint64_t)> before_apply_returns;
  int reads = 0;
  int applies = 0;
  std::uint64_t pool_number = 0;
  std::vector<std::string> lines;

  // Waits until `condition` holds; fails the test after a time that no machine needs.
  template <class F>
  void wait_for(F&& condition) {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, 30s, condition));
  }
  template <class F>
  void change(F&& what) {
    const std::lock_guard lock(mutex);
    what();
    changed.notify_all();
  }
  void wait_for_line(std::string_view text) {
    wait_for([&] {
      return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
        return line.find(text) != std::string::npos;
      });
    });
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex);
    return lines;
  }

  SecretValue read(const client::Call& call) {
    std::unique_lock lock(mutex);
    ++reads;
    changed.notify_all();
    if (read_hangs) hang(lock, call);
    if (vault.empty()) throw Error(ErrorKind::kUnavailable, "the vault is down");
    return {Secret("mongodb://u:hunter2-" + vault + "@h/"),
            {.version = vault, .created = Time{} + 1h, .updated = Time{} + 2h}};
  }
  std::uint64_t apply(const SecretValue& secret, const client::Call& call) {
    std::unique_lock lock(mutex);
    ++applies;
    changed.notify_all();
    if (apply_hangs) hang(lock, call);
    const std::string& version = secret.about.version;
    EXPECT_EQ(secret.value.reveal(), "mongodb://u:hunter2-" + version + "@h/");
    if (unreadable.contains(version)) throw Error(ErrorKind::kValidation, "cannot be read");
    if (!database_up) throw Error(ErrorKind::kUnavailable, "no server");
    if (!keys.contains(version)) throw Error(ErrorKind::kAuth, "refused");
    ++pool_number;
    changed.notify_all();
    const std::uint64_t made = pool_number;
    const auto before = before_apply_returns;
    lock.unlock();
    if (before) before(made);
    return made;
  }

 private:
  void hang(std::unique_lock<std::mutex>& lock, const client::Call& call) {
    lock.unlock();
    wait(1h, call, "hanging");
  }
};

class RotationTest : public ::testing::Test {
 protected:
  Stage stage;
  SystemClock clock;
  testing::SeededRandom random;
  RotationOptions options{.timing = {.poll_interval = 1h,
                                     .retry_min = 1ms,
                                     .retry_max = 4ms,
                                     .retry_waited_max = 2ms,
                                     .give_up_after = 1h,
                                     .verified_for = 1h}};
  std::unique_ptr<Rotation> rotation;

  Rotation& make() {
    rotation = std::make_unique<Rotation>(
        RotationCallbacks{
            .read = [this](const client::Call& call) { return stage.read(call); },
            .apply = [this](const SecretValue& secret,
                            const client::Call& call) { return stage.apply(secret, call); },
            .log =
                [this](const RotationNotice& notice) {
                  stage.change([&] {
                    stage.lines.push_back((notice.warning ? "warning: " : "info: ") + notice.text);
                  });
                }},
        options, clock, random);
    return *rotation;
  }
  Rotation& started() {
    make().start();
    rotation->wait_ready({.deadline = Deadline::after(30s)});
    return *rotation;
  }
  // Until the thread has nothing to do; then what it counts is final.
  void wait_for_status(const std::function<bool(const RotationStatus&)>& condition) {
    stage.wait_for([&] { return true; });
    const Deadline most = Deadline::after(30s);
    while (!condition(rotation->status())) {
      ASSERT_FALSE(most.expired());
      std::this_thread::yield();
    }
  }
  void TearDown() override {
    if (!rotation) return;
    rotation->stop();
    for (const std::string& line : stage.told()) EXPECT_THAT(line, Not(HasSubstr("hunter2")));
  }
};

TEST_F(RotationTest, ConnectsAndSaysWithWhat) {
  Rotation& one = started();
  stage.wait_for_line("connected");
  const RotationStatus status = one.status();
  EXPECT_EQ(status.state, State::kReady);
  EXPECT_EQ(status.pool_number, 1U);
  ASSERT_TRUE(status.in_use);
  EXPECT_EQ(status.in_use->version, "1");
  EXPECT_EQ(status.latest_version, "1");
  EXPECT_GT(status.secret_age, 24h);
  EXPECT_TRUE(status.last_read);
  EXPECT_EQ(status.stale_for, 0ms);
  EXPECT_FALSE(status.waiting_since);
  EXPECT_EQ(status.vault_error, "");
  EXPECT_EQ(status.database_error, "");
  EXPECT_EQ(status.reads, 1U);
  EXPECT_EQ(status.applies, 1U);
  EXPECT_EQ(status.rotations, 0U);
  EXPECT_THAT(stage.told(), ElementsAre("info: connected with version 1 of the secret"));
}

TEST_F(RotationTest, AVaultThatIsDownAtStartIsWaitedForAndToldOnce) {
  stage.vault = "";
  Rotation& one = make();
  one.start();
  stage.wait_for([&] { return stage.reads >= 6; });
  try {
    one.wait_ready({.deadline = Deadline::after(1ms)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("waiting for the vault"), HasSubstr("the vault is down")));
  }
  const RotationStatus status = one.status();
  EXPECT_EQ(status.state, State::kWaitingForVault);
  EXPECT_TRUE(status.waiting_since);
  EXPECT_GT(status.stale_for, 0ms);
  EXPECT_EQ(status.vault_error, "the vault is down");
  EXPECT_GE(status.read_failures, 5U);
  stage.change([&] { stage.vault = "1"; });
  one.wait_ready({.deadline = Deadline::after(30s)});
  stage.wait_for_line("connected");
  EXPECT_THAT(stage.told(), ElementsAre("warning: waiting for the key vault: the vault is down",
                                        "info: connected with version 1 of the secret"));
}

TEST_F(RotationTest, ADatabaseThatIsDownAtStartIsWaitedForAndToldOnce) {
  stage.database_up = false;
  Rotation& one = make();
  one.start();
  stage.wait_for([&] { return stage.applies >= 6; });
  EXPECT_EQ(one.status().state, State::kWaitingForDatabase);
  EXPECT_EQ(one.status().database_error, "no server");
  EXPECT_EQ(one.status().refusals, 0U);
  stage.change([&] { stage.database_up = true; });
  one.wait_ready({.deadline = Deadline::after(30s)});
  stage.wait_for_line("connected");
  EXPECT_THAT(stage.told(), ElementsAre("warning: waiting for the database: no server",
                                        "info: connected with version 1 of the secret"));
  EXPECT_EQ(stage.reads, 1);
}

TEST_F(RotationTest, ANewVersionIsFoundByPolling) {
  options.timing.poll_interval = 2ms;
  Rotation& one = started();
  stage.change([&] {
    stage.keys = {"1", "2"};
    stage.vault = "2";
  });
  stage.wait_for_line("connected with version 2");
  EXPECT_EQ(one.status().rotations, 1U);
  EXPECT_EQ(one.status().pool_number, 2U);
  EXPECT_EQ(one.status().in_use->version, "2");
}

TEST_F(RotationTest, ANewVersionThatIsRefusedLeavesTheOldOneInUse) {
  options.timing.poll_interval = 2ms;
  Rotation& one = started();
  stage.change([&] { stage.vault = "2"; });
  stage.wait_for([&] { return stage.applies >= 5; });
  stage.wait_for_line("version 2 of the secret is not accepted (yet), version 1 stays in use");
  const RotationStatus status = one.status();
  EXPECT_EQ(status.state, State::kNewSecretRefused);
  EXPECT_EQ(status.in_use->version, "1");
  EXPECT_EQ(status.latest_version, "2");
  EXPECT_TRUE(status.waiting_since);
  EXPECT_GE(status.refusals, 3U);
  stage.change([&] { stage.keys = {"2"}; });
  stage.wait_for_line("connected with version 2");
  EXPECT_THAT(stage.told(), SizeIs(3));
}

TEST_F(RotationTest, TheReasonStaysAsLongAsTheTrouble) {
  options.timing.poll_interval = 2ms;
  options.timing.verified_for = 1ms;
  Rotation& one = started();
  stage.change([&] { stage.vault = "2"; });
  wait_for_status([](const RotationStatus& status) { return status.refusals > 0; });
  EXPECT_TRUE(one.renew(1, Deadline::after(30s)));  // the version in use is good
  EXPECT_EQ(one.status().state, State::kNewSecretRefused);
  EXPECT_EQ(one.status().database_error, "refused");
  stage.change([&] { stage.vault = "1"; });  // taken back
  wait_for_status([](const RotationStatus& status) { return status.state == State::kReady; });
  EXPECT_EQ(one.status().database_error, "");
}

TEST_F(RotationTest, AnUnreadableSecretIsToldAndNotTriedAgain) {
  stage.unreadable = {"1"};
  Rotation& one = make();
  one.start();
  stage.wait_for([&] { return stage.reads >= 6; });
  EXPECT_EQ(stage.applies, 1);
  EXPECT_EQ(one.status().state, State::kNotAccepted);
  stage.wait_for_line("version 1 of the secret is not accepted, waiting for one that is: cannot");
}

TEST_F(RotationTest, ManyRefusedRequestsShareOneRenewalAndAllGoOn) {
  Rotation& one = started();
  stage.change([&] { stage.keys = {"2"}; });  // the key before the secret
  std::atomic<int> renewed = 0;
  std::vector<std::thread> requests;
  for (int i = 0; i < 20; ++i) {
    requests.emplace_back([&] { renewed += one.renew(1, Deadline::after(30s)) ? 1 : 0; });
  }
  stage.wait_for([&] { return stage.reads >= 4; });
  stage.change([&] { stage.vault = "2"; });
  for (std::thread& request : requests) request.join();
  EXPECT_EQ(renewed, 20);
  wait_for_status([](const RotationStatus& status) { return status.renewals == 20; });
  EXPECT_EQ(one.status().pool_number, 2U);
  EXPECT_EQ(one.status().rotations, 1U);
  EXPECT_EQ(stage.applies, static_cast<int>(one.status().refusals) + 2);
}

TEST_F(RotationTest, APoolThatIsOldAlreadyNeedsNoRenewal) {
  options.timing.poll_interval = 2ms;
  Rotation& one = started();
  stage.change([&] {
    stage.keys = {"1", "2"};
    stage.vault = "2";
  });
  stage.wait_for_line("connected with version 2");
  const int applies = stage.applies;
  EXPECT_TRUE(one.renew(1, Deadline::after(30s)));
  EXPECT_EQ(stage.applies, applies);
}

TEST_F(RotationTest, CredentialsThatWereJustSeenToBeGoodAreNoUseToLookAt) {
  Rotation& one = started();
  EXPECT_TRUE(one.renew(1, Deadline::after(30s)));  // fresh connections, the same secret
  EXPECT_FALSE(one.renew(2, Deadline::after(30s)));
  EXPECT_EQ(stage.applies, 2);
  EXPECT_EQ(stage.reads, 2);
  stage.wait_for_line("a permission is missing, or connections went stale");
  EXPECT_EQ(one.status().state, State::kReady);
  EXPECT_EQ(one.status().rotations, 0U);
}

TEST_F(RotationTest, ARenewalEndsWithItsDeadlineItsLimitAndTheGivingUp) {
  Rotation& one = started();
  stage.change([&] { stage.keys = {}; });
  EXPECT_FALSE(one.renew(1, Deadline::after(5ms)));
  stage.wait_for_line("no longer accepted");
  EXPECT_EQ(one.status().state, State::kCredentialsRefused);
  EXPECT_EQ(one.status().database_error, "refused");

  options.renew_wait = 5ms;
  stage.change([&] { stage.keys = {"1"}; });
  Rotation& limited = started();
  stage.change([&] { stage.keys = {}; });
  EXPECT_FALSE(limited.renew(stage.pool_number, Deadline()));

  options.renew_wait = 1h;
  options.timing.give_up_after = 5ms;
  stage.change([&] { stage.keys = {"1"}; });
  Rotation& tired = started();
  stage.change([&] { stage.keys = {}; });
  const std::uint64_t pool_number = stage.pool_number;
  EXPECT_FALSE(tired.renew(pool_number, Deadline()));
  EXPECT_FALSE(tired.renew(pool_number, Deadline()));  // at once
  stage.change([&] { stage.keys = {"1"}; });
  wait_for_status([&](const RotationStatus& status) { return status.pool_number > pool_number; });
  EXPECT_TRUE(tired.renew(pool_number, Deadline()));
}

TEST_F(RotationTest, ARefusalOfAPoolThatIsNotYetReportedIsNotLost) {
  Rotation& one = started();
  std::thread request;
  std::atomic<bool> renewed = false;
  stage.change([&] {
    stage.keys = {"2"};
    stage.vault = "2";
    stage.before_apply_returns = [&](std::uint64_t made) {
      if (made != 2) return;
      stage.change([&] {
        stage.keys = {"3"};
        stage.vault = "3";
      });
      request = std::thread([&] { renewed = one.renew(2, Deadline::after(30s)); });
      wait_for_status([](const RotationStatus& status) { return status.renewals == 2; });
    };
  });
  EXPECT_TRUE(one.renew(1, Deadline::after(30s)));
  stage.wait_for([&] { return stage.pool_number == 3; });
  request.join();
  EXPECT_TRUE(renewed);
}

TEST_F(RotationTest, NobodyNoticesAVaultThatIsDownLaterButTheStatusAndTwoLines) {
  options.timing.poll_interval = 1ms;
  Rotation& one = started();
  stage.change([&] { stage.vault = ""; });
  stage.wait_for_line("cannot be read, version 1 of the secret stays in use: the vault is down");
  const int reads = stage.reads;
  stage.wait_for([&] { return stage.reads > reads + 3; });
  const RotationStatus status = one.status();
  EXPECT_EQ(status.state, State::kReady);
  EXPECT_FALSE(status.waiting_since);
  EXPECT_GT(status.stale_for, 0ms);
  EXPECT_GE(status.read_failures, 3U);
  stage.change([&] { stage.vault = "1"; });
  stage.wait_for_line("can be read again");
  EXPECT_EQ(stage.applies, 1);
  EXPECT_THAT(stage.told(), SizeIs(3));
  wait_for_status([](const RotationStatus& now) { return now.stale_for == 0ms; });
}

TEST_F(RotationTest, AStalePoolIsReplacedWhileTheVaultIsDown) {
  Rotation& one = started();
  stage.change([&] { stage.vault = ""; });
  EXPECT_TRUE(one.renew(1, Deadline::after(30s)));
  EXPECT_EQ(one.status().pool_number, 2U);
}

TEST_F(RotationTest, AStalePoolIsReplacedWhileTheVaultHangs) {
  options.renew_wait = 1s;
  Rotation& one = started();
  stage.change([&] { stage.read_hangs = true; });
  EXPECT_TRUE(one.renew(1, Deadline::after(30s)));
  EXPECT_THAT(one.status().vault_error, HasSubstr("deadline"));
}

TEST_F(RotationTest, StopEndsEveryWaitAtOnce) {
  const auto waits = [&](std::string_view what, auto&& until) {
    stage.change([&] {
      stage.vault = "1";
      stage.keys = {"1"};
      stage.read_hangs = stage.apply_hangs = false;
      stage.reads = stage.applies = 0;
    });
    options.timing.retry_min = options.timing.retry_max = 1h;
    until();
    const auto before = std::chrono::steady_clock::now();
    rotation->stop();
    EXPECT_LT(std::chrono::steady_clock::now() - before, 10s) << what;
    EXPECT_EQ(rotation->status().state, State::kStopped) << what;
    EXPECT_FALSE(rotation->renew(rotation->status().pool_number, Deadline())) << what;
    rotation->stop();
  };
  waits("never started", [&] { make(); });
  waits("the poll", [&] { started(); });
  waits("a read", [&] {
    stage.read_hangs = true;
    make().start();
    stage.wait_for([&] { return stage.reads == 1; });
  });
  waits("an apply", [&] {
    stage.apply_hangs = true;
    make().start();
    stage.wait_for([&] { return stage.applies == 1; });
  });
  waits("the cool-down", [&] {
    stage.vault = "";
    make().start();
    wait_for_status([](const RotationStatus& status) { return status.read_failures == 1; });
  });
}

TEST_F(RotationTest, StopEndsThoseWhoWait) {
  stage.vault = "";
  options.timing.retry_min = 1h;
  options.timing.retry_max = 1h;
  Rotation& one = make();
  one.start();
  std::thread waiter([&] {
    try {
      one.wait_ready({});
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
    }
  });
  std::stop_source stop;
  std::thread impatient([&] { EXPECT_THROW(one.wait_ready({.stop = stop.get_token()}), Error); });
  stop.request_stop();
  impatient.join();
  wait_for_status([](const RotationStatus& status) { return status.read_failures == 1; });
  one.stop();
  waiter.join();

  stage.change([&] { stage.vault = "1"; });
  options.renew_wait = 1h;
  Rotation& other = started();
  stage.change([&] { stage.keys = {}; });
  std::thread request([&] { EXPECT_FALSE(other.renew(stage.pool_number, Deadline())); });
  wait_for_status([](const RotationStatus& status) { return status.renewals == 1; });
  other.stop();
  request.join();
}

TEST_F(RotationTest, CallsHaveADeadline) {
  options.read_timeout = 1ms;
  stage.read_hangs = true;
  Rotation& one = make();
  one.start();
  stage.wait_for([&] { return stage.reads >= 2; });
  EXPECT_THAT(one.status().vault_error, HasSubstr("deadline"));
  options.read_timeout = 30s;
  options.apply_timeout = 1ms;
  stage.change([&] {
    stage.read_hangs = false;
    stage.apply_hangs = true;
    stage.applies = 0;
  });
  Rotation& other = make();
  other.start();
  stage.wait_for([&] { return stage.applies >= 2; });
  EXPECT_EQ(other.status().state, State::kWaitingForDatabase);
}

}  // namespace
}  // namespace gesso::azure
