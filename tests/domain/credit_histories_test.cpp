// Random histories of one user's credits against what must hold of them: granted = left + spent on
// generations that were not given back; and what the usage log says was spent is that.
//
// A history is a few rounds of one to three callers at once: they create (with and without keys),
// repeat, cancel, delete, work, fail, refund, grant, deduct, buy, buy anew, renew, expire and
// sweep. Callers take turns at every command that goes to the server, and who is next is the seed's
// choice, so a history runs the same way every time. At each command a caller may die (nothing of
// it reaches the server any more), lose the answer, or be throttled. In the end everything is
// swept, and the books must balance to the credit; between the rounds nobody has more than was
// granted.
//
//   test_domain --gtest_filter=CreditHistories.*     10,000 of them
//   GESSO_CREDIT_HISTORIES=1000000 test_domain ...   as many as you like
//   GESSO_CREDIT_SEED=42 test_domain ...             the one that failed
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <latch>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "gesso/domain/credit_grants.hpp"
#include "gesso/domain/generation_work.hpp"
#include "gesso/domain/generations.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/indexes.hpp"
#include "gesso/repositories/usage_log_repository.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/support/tested_dialect.hpp"

namespace gesso::domain {
namespace {

using namespace query;
using namespace repositories;
using namespace std::chrono_literals;
using models::Generation;
using models::GenerationCreate;
using models::GenerationId;
using models::GenerationStatus;
using models::Subscription;
using models::User;
using models::UserId;

// ---- callers that take turns, and what becomes of their commands --------------------------------

enum class Fate { kRuns, kAnswerIsLost, kDies, kThrottled };

class Dice {
  std::mt19937_64 engine_;

 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  // From 0 on, below `bound`.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
  bool percent(std::size_t chance) { return below(100) < chance; }
  template <class T>
  const T& one_of(const std::vector<T>& values) {
    return values[below(values.size())];
  }
};

// Lets one of several callers run at a time. The next one is drawn when all of them wait.
class Turns {
  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  Dice& dice_;
  std::size_t callers_;
  std::vector<int> waiting_;
  int running_ = -1;

  void draw() {
    if (callers_ == 0 || waiting_.size() < callers_) return;
    std::ranges::sort(waiting_);  // in whatever order they came
    running_ = waiting_[dice_.below(waiting_.size())];
    changed_.notify_all();
  }

 public:
  Turns(Dice& dice, std::size_t callers) : dice_(dice), callers_(callers) {}

  void wait_for_turn(int caller) {
    std::unique_lock lock(mutex_);
    running_ = -1;
    waiting_.push_back(caller);
    draw();
    changed_.wait(lock, [&] { return running_ == caller; });
    std::erase(waiting_, caller);
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    running_ = -1;
    --callers_;
    draw();
  }
};

struct Caller {
  int number = 0;
  Turns& turns;
  Dice& dice;
  testing::FakeClock& clock;
  std::size_t faults = 0;  // in a thousand commands
  bool is_dead = false;

  Fate next_fate() {
    turns.wait_for_turn(number);
    clock.advance(1ms);  // no two commands at one moment
    if (is_dead) return Fate::kDies;
    if (dice.below(1000) >= faults) return Fate::kRuns;
    constexpr std::array kFates{Fate::kAnswerIsLost, Fate::kDies, Fate::kDies, Fate::kThrottled};
    const Fate fate = kFates[dice.below(kFates.size())];
    is_dead = fate == Fate::kDies;
    return fate;
  }
};

thread_local Caller* t_caller = nullptr;  // who runs on this worker's thread

// The bytes of an answer to a message that was not let through.
std::vector<std::uint8_t> refusal(std::span<const std::uint8_t> message, Fate fate) {
  const bson::Document document =
      fate == Fate::kThrottled
          ? bson::make_document("ok", 0.0, "code", 16500, "codeName", "RequestRateTooLarge",
                                "errmsg", "Error=16500, RetryAfterMs=1, Details='by the test'")
          : bson::make_document("ok", 0.0, "code", 9001, "codeName", "SocketException", "errmsg",
                                "refused by the test");
  const auto body = document.view().bytes();
  std::vector<std::uint8_t> reply(21 + body.size());
  const auto put = [&](std::size_t at, std::int32_t value) {
    std::memcpy(reply.data() + at, &value, 4);
  };
  std::int32_t request_id = 0;
  std::memcpy(&request_id, message.data() + 4, 4);
  put(0, static_cast<std::int32_t>(reply.size()));
  put(8, request_id);  // in answer to
  put(12, 2013);       // OP_MSG, a body
  std::ranges::copy(body, reply.begin() + 21);
  return reply;
}

bool is_data_command(std::span<const std::uint8_t> message) {
  constexpr std::size_t kName = 26;  // header, flags, kind, the document's length, a type
  static constexpr std::array<std::string_view, 8> kNames{
      "find",   "update",    "insert",  "findAndModify",
      "delete", "aggregate", "getMore", "gessoUpdateThenInsert"};
  if (message.size() <= kName) return false;
  const auto* text = reinterpret_cast<const char*>(message.data() + kName);
  const std::string_view name(text, ::strnlen(text, message.size() - kName));
  return std::ranges::find(kNames, name) != kNames.end();
}

std::optional<std::uint64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

// A server, in memory where the machine has such a folder, and a service on it.
class World {
  std::filesystem::path folder_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<localdb::Server> server_;
  std::unique_ptr<mongo::Service> service_;

 public:
  explicit World(bool joins_writes) {
    const bool in_memory = std::filesystem::is_directory("/dev/shm");
    std::string name =
        ((in_memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) /
         "gesso-XXXXXX")
            .string();
    if (::mkdtemp(name.data()) == nullptr) throw Error(ErrorKind::kInternal, "mkdtemp");
    folder_ = name;
    server_ = std::make_unique<localdb::Server>(testing::on_tested_dialect(
        {.data_dir = folder_ / "data", .unix_socket = (folder_ / "db.sock").string()}));
    server_->start();
    mongo::ServiceOptions options;
    options.uri = Secret(std::string_view(server_->uri()));
    options.pool_size = 4;
    options.warm_minimum = 0;
    options.joins_writes = joins_writes;
    options.open_local = [this]() -> mongo::LocalConnection {
      return [connection = server_->connect(), reply = std::vector<std::uint8_t>()](
                 std::span<const std::uint8_t> message) mutable -> std::span<const std::uint8_t> {
        const Fate fate =
            t_caller != nullptr && is_data_command(message) ? t_caller->next_fate() : Fate::kRuns;
        if (fate == Fate::kRuns) return connection(message);
        if (fate == Fate::kAnswerIsLost) (void)connection(message);
        reply = refusal(message, fate);
        return reply;
      };
    };
    service_ = std::make_unique<mongo::Service>(std::move(options), clock_, random_);
    service_->connect();
    service_->run([&](mongo::Session& session) {
      (void)mongo::create_indexes(session, declared_indexes(), testing::tested_collections());
    });
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() {
    service_.reset();
    server_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  mongo::Service& service() { return *service_; }
};

// ---- a history ----------------------------------------------------------------------------------

struct Asked {
  GenerationCreate request;
  std::optional<IdempotencyKey> key;
  std::optional<GenerationId> id;  // that some answer named
  bool is_unsure = false;          // an attempt ended without an answer
};

struct Moved {  // a grant, a deduction, a use of the subscription's credits
  models::OperationToken token;
  std::int64_t credits;
  bool at_user = true;
  bool is_done = false;    // an answer said so
  bool is_unsure = false;  // a call ended without an answer
};

struct Granted {
  IdempotencyKey key;
  models::CreditGrant grant;
  bool is_done = false;    // an answer said so
  bool is_unsure = false;  // a call ended without an answer
};

class History {
  World& world_;
  Settler* settler_;
  Dice dice_;
  testing::FakeClock clock_{std::chrono::sys_days{std::chrono::year{2100} / 1 / 31}};
  testing::SeededRandom random_;
  IdGenerator ids_{clock_, random_};
  const RepositoryContext context_{.clock = clock_, .random = random_, .ids = ids_};
  const UserId user_id_;
  const std::int64_t balance_;  // that the user began with
  std::size_t faults_;
  std::vector<Asked> asked_;
  std::vector<Moved> moved_;
  std::vector<Granted> granted_;
  // Of each subscription at Stripe that was to take over: its allotment, and when that was tried.
  std::map<std::string, std::pair<std::int64_t, Time>> taken_over_;
  std::map<GenerationId, Generation> removed_;  // that may be deleted, as they had ended
  int long_pauses_ = 0;
  bool ok_ = true;

 public:
  History(World& world, Settler& settler, std::uint64_t seed)
      : world_(world),
        settler_(nullptr),
        dice_(seed * 2654435761U + 1),
        random_(seed),
        user_id_("user_" + std::to_string(seed)),
        balance_(static_cast<std::int64_t>(dice_.below(13))),
        faults_(dice_.percent(25) ? 0 : 40 + dice_.below(120)) {
    if (dice_.percent(60)) settler_ = &settler;
  }

  // Whether all was as it must be; what was not is reported with the seed by the caller.
  bool run() {
    begin();
    const std::size_t rounds = 2 + dice_.below(4);
    for (std::size_t round = 0; round < rounds && ok_; ++round) {
      const std::size_t callers = dice_.percent(55) ? 1 : 2 + dice_.below(2);
      play(callers);
      static const std::vector<std::chrono::milliseconds> kPauses{0ms, 1s, 61s, 6min, 20min};
      // Twice at most: the usage log forgets after 90 days.
      const bool is_long = dice_.percent(5) && long_pauses_++ < 2;
      clock_.advance(is_long ? 31 * 24h : dice_.one_of(kPauses));
      if (dice_.percent(30)) check_between();
    }
    finish();
    check_end();
    clean();
    return ok_;
  }

 private:
  template <class F>
  auto with_session(F&& unit) {
    return world_.service().run(std::forward<F>(unit));
  }
  GenerationHooks hooks() { return {.settler = settler_}; }

  void expect(bool holds, const std::string& what) {
    if (holds) return;
    ok_ = false;
    ADD_FAILURE() << what;
  }

  void begin() {
    const bool has_subscription = dice_.percent(60);
    with_session([&](mongo::Session& session) {
      UserRepository(session, context_)
          .insert({.id = user_id_,
                   .email = "u@example.com",
                   .credits_remaining = balance_,
                   .may_have_subscription = false,
                   .created_at = clock_.now(),
                   .updated_at = clock_.now()});
      if (has_subscription) buy(session);
    });
  }

  void buy(mongo::Session& session) {
    SubscriptionRepository(session, context_)
        .create_subscription({.user_id = user_id_,
                              .plan = models::SubscriptionPlan::kPro,
                              .credits_per_month = static_cast<std::int64_t>(dice_.below(9)),
                              .current_period_end = clock_.now() + std::chrono::days(30)});
  }

  using Step = std::function<void(mongo::Session&)>;

  // One round: as many callers, each with a step of its own.
  void play(std::size_t count) {
    Turns turns(dice_, count);
    std::latch done(static_cast<std::ptrdiff_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
      world_.service().submit(
          Deadline::after(60s),
          [&, i](mongo::Session& session) {
            Caller caller{.number = static_cast<int>(i),
                          .turns = turns,
                          .dice = dice_,
                          .clock = clock_,
                          .faults = faults_};
            turns.wait_for_turn(caller.number);
            t_caller = &caller;
            step(session);
            t_caller = nullptr;
            turns.leave();
            done.count_down();
          },
          [&](const std::exception_ptr&) {
            ADD_FAILURE() << "the service is overloaded";
            turns.leave();
            done.count_down();
          });
    }
    done.wait();
    if (settler_ != nullptr && dice_.percent(20)) settler_->flush();
  }

  void step(mongo::Session& session) {
    try {
      const std::size_t roll = dice_.below(100);
      if (roll < 36) {
        create(session, new_request());
      } else if (roll < 46) {
        repeat_request(session);
      } else if (roll < 62) {
        work(session);
      } else if (roll < 68) {
        (void)Generations(session, context_, hooks()).cancel(user_id_, some_id(session));
      } else if (roll < 73) {
        remove(session);
      } else if (roll < 76) {
        GenerationRepository(session, context_).mark_as_failed(some_id(session), "no paint");
      } else if (roll < 80) {
        Charging(session, context_, settler_).refund(some_id(session));
      } else if (roll < 88) {
        sweep(session, dice_.percent(50) ? 0ms : 5min);
      } else if (roll < 92) {
        move_credits(session);
      } else if (roll < 95) {
        grant_credits(session);
      } else {
        change_subscription(session);
      }
    } catch (const Error& error) {
      // Refusals of the state machine, and what the test's faults come to; never what is a bug.
      const bool expected =
          error.kind() == ErrorKind::kConflict || error.kind() == ErrorKind::kTimeout ||
          error.kind() == ErrorKind::kThrottled || error.kind() == ErrorKind::kUnavailable ||
          (error.kind() == ErrorKind::kDuplicate && error.field() == "user_id");
      expect(expected, std::string("unexpected: ") + error.what());
    }
  }

  std::size_t new_request() {
    Asked asked{.request = {.user_id = user_id_,
                            .prompt = "request " + std::to_string(asked_.size()),
                            .cost_credits = static_cast<std::int64_t>(dice_.below(5))},
                .key = {},
                .id = {}};
    if (dice_.percent(60)) asked.key = "key " + std::to_string(asked_.size());
    asked_.push_back(std::move(asked));
    return asked_.size() - 1;
  }

  void create(mongo::Session& session, std::size_t number) {
    const GenerationCreate request = asked_[number].request;
    const auto key = asked_[number].key;
    const bool was_unsure = std::exchange(asked_[number].is_unsure, true);
    const CreateOutcome outcome =
        Generations(session, context_, hooks())
            .create(request, key, {.expects_subscription = dice_.percent(30)});
    Asked& asked = asked_[number];
    if (const auto* made = std::get_if<Created>(&outcome)) {
      const GenerationId& id = made->generation.id;
      expect(!asked.id || *asked.id == id || removed_.contains(*asked.id),
             "one key gave two generations");
      expect(made->generation.prompt == request.prompt, "another request's generation");
      asked.id = id;
      return;
    }
    // Unsure stays what was unsure before; another attempt may be the one that goes on.
    asked.is_unsure = was_unsure || std::holds_alternative<ChargeInProgress>(outcome);
    expect(!std::holds_alternative<KeyReused>(outcome), "the key was not reused");
  }

  void repeat_request(mongo::Session& session) {
    std::vector<std::size_t> keyed;
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      if (asked_[i].key) keyed.push_back(i);
    }
    if (keyed.empty()) return;
    const std::size_t number = dice_.one_of(keyed);
    if (dice_.percent(75)) {
      create(session, number);
      return;
    }
    // Another request with a key whose generation is there.
    if (!asked_[number].id || removed_.contains(*asked_[number].id)) return;
    GenerationCreate other = asked_[number].request;
    other.prompt = "something else";
    const auto key = asked_[number].key;
    const CreateOutcome outcome = Generations(session, context_, hooks()).create(other, key);
    expect(std::holds_alternative<KeyReused>(outcome) || removed_.contains(*asked_[number].id),
           "a reused key was taken");
  }

  // The id of some generation of the user's; one that is not there where there is none.
  GenerationId some_id(mongo::Session& session) {
    const auto all = GenerationRepository(session, context_).find_by_user(user_id_, {}, {});
    return all.empty() ? GenerationId("gen_none") : all[dice_.below(all.size())].id;
  }

  void remove(mongo::Session& session) {
    Generations generations(session, context_, hooks());
    const GenerationId id = some_id(session);
    const auto seen = generations.get(user_id_, id);
    if (!seen || !has_ended(seen->status)) return;
    removed_.insert_or_assign(id, *seen);  // before, for the answer may be lost
    (void)generations.remove(user_id_, id);
  }

  void work(mongo::Session& session) {
    GenerationWork generation_work(session, context_, {.lease = 5min, .max_attempts = 2}, hooks());
    if (dice_.percent(15)) {
      (void)generation_work.end_expired();
      return;
    }
    const auto claimed = generation_work.claim("worker");
    if (!claimed || dice_.percent(15)) return;  // its worker dies
    const Claim claim{
        .generation_id = claimed->id, .worker = "worker", .attempt = claimed->attempts.value()};
    if (dice_.percent(30)) (void)generation_work.heartbeat(claim);
    const int times = dice_.percent(20) ? 2 : 1;
    const bool completes = dice_.percent(45);
    static const std::vector<FailureKind> kKinds{FailureKind::kFinal, FailureKind::kRetryable,
                                                 FailureKind::kCancelled};
    const FailureKind kind = dice_.one_of(kKinds);
    for (int i = 0; i < times; ++i) {
      if (completes) {
        (void)generation_work.complete(claim, {});
      } else {
        (void)generation_work.fail(claim, kind, "no paint");
      }
    }
  }

  void sweep(mongo::Session& session, std::chrono::milliseconds older_than) {
    const SweepReport report = Charging(session, context_, settler_).sweep(older_than);
    const GrantSweepReport grants = CreditGrants(session, context_).sweep(older_than);
    expect(report.failed + grants.failed == 0,
           "the sweep could not resolve " + std::to_string(report.failed + grants.failed));
  }

  void move_credits(mongo::Session& session) {
    std::size_t number = moved_.size();
    if (!moved_.empty() && dice_.percent(50)) {
      number = dice_.below(moved_.size());
    } else {
      moved_.push_back(
          {.token = "op " + std::to_string(number),
           .credits = static_cast<std::int64_t>(1 + dice_.below(4)) * (dice_.percent(50) ? 1 : -1),
           .at_user = dice_.percent(70)});
    }
    const Moved seen = moved_[number];
    const bool was_unsure = std::exchange(moved_[number].is_unsure, true);
    const std::int64_t amount = std::abs(seen.credits);
    bool done = false;
    if (!seen.at_user) {
      SubscriptionRepository subscriptions(session, context_);
      const auto subscription = subscriptions.find_by_user(user_id_);
      done = subscription && subscriptions.use_credits(subscription->id, amount, seen.token);
    } else if (seen.credits > 0) {
      done =
          UserRepository(session, context_).add_credits(user_id_, amount, seen.token).has_value();
    } else {
      done = UserRepository(session, context_)
                 .deduct_credits(user_id_, amount, seen.token)
                 .has_value();
    }
    expect(done || !moved_[number].is_done, "a repetition was refused");
    moved_[number].is_done = moved_[number].is_done || done;
    moved_[number].is_unsure = was_unsure;
  }

  void grant_credits(mongo::Session& session) {
    std::size_t number = granted_.size();
    if (!granted_.empty() && dice_.percent(60)) {
      number = dice_.below(granted_.size());
    } else {
      granted_.push_back({.key = IdempotencyKey("grant " + std::to_string(number)),
                          .grant = {.credits = static_cast<std::int64_t>(1 + dice_.below(5)),
                                    .reason = "A prize",
                                    .granted_by = user_id_}});
    }
    const Granted seen = granted_[number];
    const bool was_unsure = std::exchange(granted_[number].is_unsure, true);
    const GrantOutcome outcome =
        CreditGrants(session, context_).grant({.user_id = user_id_, .grant = seen.grant}, seen.key);
    expect(std::holds_alternative<models::UsageLog>(outcome), "a grant was refused");
    granted_[number].is_done = true;
    granted_[number].is_unsure = was_unsure;
  }

  // Another subscription at Stripe takes over, in the same period.
  void take_over(SubscriptionRepository& subscriptions, const Subscription& seen) {
    Subscription next = seen;
    next.stripe_subscription_id = user_id_.str() + "_" + std::to_string(seen.allotment) + "_" +
                                  std::to_string(taken_over_.size());
    next.allotment = seen.allotment + 1;
    next.credits_used_this_period = 0;
    taken_over_[next.stripe_subscription_id->str()] = {next.allotment.value(), clock_.now()};
    (void)subscriptions.change_state(seen, next);
  }

  void change_subscription(mongo::Session& session) {
    SubscriptionRepository subscriptions(session, context_);
    const auto seen = subscriptions.find_by_user(user_id_);
    if (!seen) {
      buy(session);
      return;
    }
    const std::size_t roll = dice_.below(10);
    if (roll < 4) {
      subscriptions.reset_period_usage(seen->id);
    } else if (roll < 7) {
      subscriptions.reset_period_usage(seen->id, seen->current_period_end + std::chrono::days(30));
    } else if (roll < 8) {
      take_over(subscriptions, *seen);
    } else if (roll < 9) {
      subscriptions.set_status(seen->id, models::SubscriptionStatus::kPastDue);
    } else {
      subscriptions.set_status(seen->id, models::SubscriptionStatus::kActive);
    }
  }

  // ---- what must hold
  // ----------------------------------------------------------------------------

  struct Books {
    User user;
    std::optional<Subscription> subscription;
    std::vector<Generation> generations;
    std::vector<models::UsageLog> log;
  };
  Books read() {
    return with_session([&](mongo::Session& session) {
      return Books{
          .user = *UserRepository(session, context_).find_by_id(user_id_),
          .subscription = SubscriptionRepository(session, context_).find_by_user(user_id_),
          .generations = GenerationRepository(session, context_).find_by_user(user_id_, {}, {}),
          .log = UsageLogRepository(session, context_)
                     .find_by_user(
                         user_id_,
                         {.from = clock_.now() - std::chrono::days(365), .to = clock_.now() + 24h},
                         {})};
    });
  }

  // Of the balance: what was granted, all in all.
  std::int64_t granted(const Books& books) const {
    std::int64_t sum = balance_;
    for (const auto& operation : books.user.recent_operations) sum += operation.credits;
    for (const auto& entry : books.log) sum += entry.grant ? entry.grant->credits.value() : 0;
    return sum;
  }
  // Generations that are there, and those that were deleted.
  std::vector<Generation> accepted(const Books& books) const {
    std::vector<Generation> all = books.generations;
    for (const auto& [id, generation] : removed_) {
      if (std::ranges::find(all, id, &Generation::id) == all.end()) all.push_back(generation);
    }
    return all;
  }
  static bool is_given_back(const Generation& generation) {
    return generation.refund_token || generation.status == GenerationStatus::kFailed ||
           generation.refund_due_at;
  }

  void check_between() {
    const Books books = read();
    std::int64_t spent = 0;
    for (const Generation& generation : accepted(books)) {
      if (!is_given_back(generation)) spent += generation.credits_from_balance.value();
    }
    expect(books.user.credits_remaining + spent <= granted(books), "credits came from nowhere");
    if (books.subscription) {
      expect(books.subscription->credits_used_this_period <= books.subscription->credits_per_month,
             "the subscription paid more than it has");
    }
  }

  void finish() {
    with_session([&](mongo::Session& session) {
      sweep(session, 0ms);
      sweep(session, 0ms);
    });
    if (settler_ != nullptr) settler_->flush();
  }

  void check_end() {
    const Books books = read();
    std::int64_t spent = 0;
    std::int64_t spent_of_allotment = 0;
    std::int64_t spent_in_all = 0;
    for (const Generation& generation : accepted(books)) {
      const std::string name = generation.prompt.str() + ": ";
      const bool is_deleted = std::ranges::find(books.generations, generation.id,
                                                &Generation::id) == books.generations.end();
      expect(generation.credits_from_subscription + generation.credits_from_balance ==
                 generation.cost_credits,
             name + "the parts are not its cost");
      const bool given_back = is_given_back(generation);
      if (!is_deleted) {
        expect(!generation.refund_due_at, name + "a refund is due");
        expect(!generation.refund_token || generation.status == GenerationStatus::kFailed ||
                   generation.status == GenerationStatus::kCancelled,
               name + "given back though it did not fail");
        expect(generation.status != GenerationStatus::kFailed || !is_paid_for(generation) ||
                   generation.refund_token,
               name + "failed and not given back");
        expect(generation.status != GenerationStatus::kCancelled || !is_paid_for(generation) ||
                   generation.attempts > 0 || generation.refund_token,
               name + "cancelled before it began and not given back");
      }
      if (given_back) continue;
      spent += generation.credits_from_balance.value();
      spent_in_all += generation.cost_credits.value();
      if (books.subscription && generation.charged_allotment == books.subscription->allotment) {
        spent_of_allotment += generation.credits_from_subscription.value();
      }
    }
    std::int64_t told = 0;
    for (const auto& entry : books.log) told += entry.credits_used;
    expect(told == spent_in_all, "the usage log says " + std::to_string(told) + ", spent were " +
                                     std::to_string(spent_in_all));
    expect(books.user.pending_charges.empty(), "a hold of the user is left");
    expect(books.user.pending_grants.empty(), "a grant is pending");
    expect(books.user.credits_remaining + spent == granted(books),
           "left " + std::to_string(books.user.credits_remaining.value()) + " + spent " +
               std::to_string(spent) + " != granted " + std::to_string(granted(books)));
    expect(books.user.total_generations == static_cast<std::int64_t>(accepted(books).size()),
           "counted " + std::to_string(books.user.total_generations.value()) + " of " +
               std::to_string(accepted(books).size()));
    if (books.subscription) check_subscription(*books.subscription, spent_of_allotment);
    check_answers(books);
  }

  void check_subscription(const Subscription& subscription, std::int64_t spent) {
    Time began = subscription.current_period_start;
    const auto taken = subscription.stripe_subscription_id
                           ? taken_over_.find(subscription.stripe_subscription_id->str())
                           : taken_over_.end();
    if (taken != taken_over_.end() && taken->second.first == subscription.allotment) {
      began = taken->second.second;
    }
    for (const auto& operation : subscription.recent_operations) {
      if (operation.at >= began) spent -= operation.credits;
    }
    expect(subscription.pending_charges.empty(), "a hold of the subscription is left");
    expect(!subscription.uncounted_since, "generations of the subscription are uncounted");
    expect(subscription.credits_used_this_period == spent,
           "the subscription says " +
               std::to_string(subscription.credits_used_this_period.value()) + ", spent were " +
               std::to_string(spent));
  }

  void check_answers(const Books& books) {
    const auto all = accepted(books);
    for (const Asked& asked : asked_) {
      std::int64_t there = 0;
      bool is_named = false;
      for (const Generation& generation : all) {
        if (generation.prompt != asked.request.prompt) continue;
        ++there;
        is_named = is_named || generation.id == asked.id;
      }
      const std::string& name = asked.request.prompt.str();
      // A key whose generation was deleted makes another one.
      const bool was_removed = std::ranges::any_of(removed_, [&](const auto& removed) {
        return removed.second.prompt == asked.request.prompt;
      });
      expect(there <= 1 || was_removed, name + ": made twice");
      if (asked.id) expect(is_named, name + ": answered, and not there");
      if (!asked.id && !asked.is_unsure) expect(there == 0, name + ": refused, and there");
    }
    for (const Moved& moved : moved_) {
      const auto count = [&](const auto& operations) {
        return std::ranges::count(operations, moved.token, &models::CreditOperation::token);
      };
      const auto times = moved.at_user        ? count(books.user.recent_operations)
                         : books.subscription ? count(books.subscription->recent_operations)
                                              : 0;
      expect(times <= 1, moved.token.str() + ": made twice");
      if (moved.is_done) expect(times == 1, moved.token.str() + ": answered, and not made");
      if (!moved.is_done && !moved.is_unsure) {
        expect(times == 0, moved.token.str() + ": refused, and made");
      }
    }
    for (const Granted& granted : granted_) {
      const auto times = std::ranges::count(books.log, keyed_grant_id(user_id_, granted.key),
                                            &models::UsageLog::id);
      if (granted.is_done) expect(times == 1, granted.key.str() + ": answered, and not made");
    }
  }

  void clean() {
    with_session([&](mongo::Session& session) {
      const auto of_user = bson::make_document("user_id", user_id_.str());
      session.delete_many("generations", of_user);
      session.delete_many("subscriptions", of_user);
      session.delete_many("usage_logs", of_user);
      session.delete_one("users", bson::make_document("_id", user_id_.str()));
    });
  }
};

// ---- the tests ----------------------------------------------------------------------------------

TEST(CreditHistories, GrantedIsLeftAndSpentWhateverHappens) {
  const auto only = number_from("GESSO_CREDIT_SEED");
  const std::uint64_t first = only.value_or(1);
  // A history costs hundreds of request units, and an account of the tests has 400 a second.
  const std::uint64_t usual = testing::many(10'000, 60);
  const std::uint64_t count = only ? 1 : number_from("GESSO_CREDIT_HISTORIES").value_or(usual);
  constexpr unsigned kWorlds = 2;
  std::atomic<std::uint64_t> next = first;
  std::atomic<int> failures = 0;
  const auto run = [&] {
    const SystemClock clock;
    SystemRandom random;
    IdGenerator ids(clock, random);
    const RepositoryContext context{.clock = clock, .random = random, .ids = ids};
    // As on this process's own server, and as on any other.
    World joining(true);
    World separate(false);
    // They settle when a document is full, and when they are told.
    const SettlerOptions options{.linger = 24h, .batch = 1000, .most_per_document = 3};
    Settler of_joining(joining.service(), context, options);
    Settler of_separate(separate.service(), context, options);
    while (failures < 5) {
      const std::uint64_t seed = next++;
      if (seed >= first + count) return;
      const bool joins = seed % 2 == 0;
      if (History(joins ? joining : separate, joins ? of_joining : of_separate, seed).run()) {
        continue;
      }
      ++failures;
      ADD_FAILURE() << "that was GESSO_CREDIT_SEED=" << seed;
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < (only ? 1 : kWorlds); ++i) threads.emplace_back(run);
}

}  // namespace
}  // namespace gesso::domain
