// One identity is one user's, in whichever order two who want it take their steps, on servers with
// and without an index that says so.
#include "gesso/domain/identity_claims.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "gesso/localdb/localdb.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/indexes.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/domain/account_fixture.hpp"

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;
using models::AuthProvider;

// Lets two take their steps in a given order: a step is a command and all up to the next one.
// Thread-safe.
class Turns {
  std::mutex mutex_;  // guards the others
  std::condition_variable changed_;
  std::vector<int> order_;  // whose steps come first; behind its end each goes as it likes
  std::size_t next_ = 0;
  bool has_ended_[2] = {};

 public:
  static thread_local int actor;  // -1: somebody else, who is not held up

  explicit Turns(std::vector<int> order) : order_(std::move(order)) {}

  // Waits for the turn of whoever calls.
  void take() {
    if (actor < 0) return;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      while (next_ < order_.size() && has_ended_[order_[next_]]) ++next_;
      return next_ >= order_.size() || order_[next_] == actor;
    });
    if (next_ < order_.size()) ++next_;
    changed_.notify_all();
  }
  [[nodiscard]] std::size_t taken() {
    const std::lock_guard lock(mutex_);
    return next_;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    has_ended_[actor] = true;
    changed_.notify_all();
  }
};
thread_local int Turns::actor = -1;

enum class Kind { kEmbedded, kCosmos };

class IdentityClaimsTest : public ::testing::TestWithParam<Kind> {
 protected:
  gesso::testing::TempDir folder_;
  SystemClock system_clock_;
  // Far enough ahead that no server deletes what is due by this clock.
  gesso::testing::FakeClock clock_{std::chrono::sys_days{std::chrono::year{2100} / 1 / 31}};
  SystemRandom random_;
  IdGenerator ids_{clock_, random_};
  const repositories::RepositoryContext context_{
      .clock = clock_, .random = random_, .ids = ids_, .bcrypt_cost = 4};
  Turns* turns_ = nullptr;  // set while nobody is at work
  localdb::Server server_{server_options()};
  std::optional<mongo::Service> database_;
  KeepingMailer mailer_;
  MailQueue mail_{mailer_};
  NoAttemptLimits limits_;
  Tokens tokens_{
      Secret(std::string_view("a key of thirty-two bytes or more")), std::nullopt, {}, clock_};
  AccountServices services_{.context = context_,
                            .tokens = tokens_,
                            .mail = mail_,
                            .limits = limits_,
                            .run = [this](const Unit& unit) {
                              database_->run([&](mongo::Session& session) { unit(session); });
                            }};
  const ProviderIdentity github_{
      .provider = AuthProvider::kGithub, .subject = "77", .email = "eve@example.com"};

  IdentityClaimsTest() {
    server_.start();
    mongo::ServiceOptions options;
    options.uri = Secret(server_.uri());
    options.database = "claims";
    options.pool_size = 4;
    options.warm_minimum = 0;
    options.observe_command = [this](std::string_view, bson::View, std::chrono::microseconds,
                                     bool) {
      if (turns_ != nullptr) turns_->take();
    };
    database_.emplace(std::move(options), system_clock_, random_);
    database_->connect();
    database_->run([](mongo::Session& session) {
      (void)mongo::create_indexes(session, repositories::declared_indexes(), {});
    });
  }

  localdb::ServerOptions server_options() const {
    localdb::ServerOptions options{.data_dir = folder_.path() / "data",
                                   .unix_socket = folder_.path() / "db.sock"};
    if (GetParam() == Kind::kCosmos) options.cosmos = localdb::CosmosOptions{.ru = 1'000'000};
    return options;
  }
  template <class F>
  auto with_accounts(F&& unit) {
    return database_->run([&](mongo::Session& session) {
      AccountRepository accounts(session, context_);
      return unit(accounts);
    });
  }
  // A user who is logged in, and whom Google logs in where `has_google`.
  Requester add(const std::string& name, bool has_google) {
    const models::SessionId session = models::SessionId::next(ids_);
    models::User user{.id = "user_" + name,
                      .email = name + "@example.com",
                      .is_verified = true,
                      .created_at = clock_.now(),
                      .updated_at = clock_.now()};
    user.login_sessions = {{.id = session,
                            .token_hash = hash_token(name),
                            .created_at = clock_.now(),
                            .last_used_at = clock_.now(),
                            .expires_at = clock_.now() + 240h}};
    if (has_google) {
      user.auth_provider = AuthProvider::kGoogle;
      user.auth_provider_id = name;
    }
    with_accounts([&](AccountRepository& accounts) { return accounts.create(user); });
    return {.user_id = user.id, .session_id = session};
  }
  void remove_all() {
    database_->run([](mongo::Session& session) { session.delete_many("users", {}); });
  }
  std::vector<Account> all_accounts() {
    using namespace query;
    return with_accounts([](AccountRepository& accounts) {
      return accounts.find_many(where<&models::User::is_active> == true, unsorted, {},
                                project<Account>());
    });
  }
  // Those whom the identity logs in. Nobody may have a claim.
  std::vector<models::UserId> owners() {
    std::vector<models::UserId> found;
    for (const Account& one : all_accounts()) {
      if (subject_at(one, AuthProvider::kGithub)) found.push_back(one.id);
      EXPECT_TRUE(std::ranges::none_of(one.linked_identities, is_claim)) << one.id.str();
    }
    return found;
  }
  // Whether it was linked.
  bool links(const Requester& requester) {
    return database_->run([&](mongo::Session& session) {
      return std::holds_alternative<Accepted>(
          link_identity(services_, session, requester, github_));
    });
  }
  // Whom the provider logged in, or nobody.
  std::optional<models::UserId> by_provider() {
    return database_->run([&](mongo::Session& session) -> std::optional<models::UserId> {
      const auto outcome = log_in_by_provider(services_, session, github_, {});
      if (const auto* login = std::get_if<SignedIn>(&outcome)) return login->user_id;
      return std::nullopt;
    });
  }
  // Runs both at once, their steps in that order. Each is called on a worker's thread.
  void race(std::vector<int> order, const Unit& first, const Unit& second) {
    Turns turns(std::move(order));
    turns_ = &turns;
    {
      const Unit* units[] = {&first, &second};
      std::vector<std::jthread> threads;
      for (int actor = 0; actor < 2; ++actor) {
        threads.emplace_back([this, &turns, actor, unit = units[actor]] {
          database_->run([&](mongo::Session& session) {
            Turns::actor = actor;
            struct End {  // also where the unit throws: the other one waits for it
              Turns& turns;
              ~End() {
                turns.end();
                Turns::actor = -1;
              }
            } const end{turns};
            turns.take();
            (*unit)(session);
          });
        });
      }
    }
    turns_ = nullptr;
  }

  // One has taken so many steps when the other one comes, which takes so many before the first one
  // goes on to its end.
  static std::vector<int> order_of(std::size_t first, std::size_t second) {
    std::vector<int> order(first, 0);
    order.insert(order.end(), second, 1);
    order.insert(order.end(), 40, 0);
    return order;
  }
  // More than linking takes.
  static constexpr std::size_t kSteps = 11;
};

TEST_P(IdentityClaimsTest, LinkingTakesFewerStepsThanAreInterleaved) {
  const Requester ada = add("a", false);
  Turns turns(std::vector<int>(100, 0));
  turns_ = &turns;
  database_->run([&](mongo::Session& session) {
    Turns::actor = 0;
    (void)link_identity(services_, session, ada, github_);
    Turns::actor = -1;
  });
  turns_ = nullptr;
  EXPECT_GT(turns.taken(), 3U);
  EXPECT_LT(turns.taken(), kSteps);
}

TEST_P(IdentityClaimsTest, OfTwoWhoLinkItExactlyOneStaysWhateverTheOrderOfTheirSteps) {
  for (std::size_t first = 1; first < kSteps; ++first) {
    for (std::size_t second = 1; second < kSteps; ++second) {
      const bool has_google = (first + second) % 2 == 0;
      // Which of the two has the lesser id.
      for (const bool turned : {false, true}) {
        SCOPED_TRACE(::testing::Message() << first << ", " << second << ", " << turned);
        remove_all();
        const Requester one = add(turned ? "b" : "a", has_google);
        const Requester two = add(turned ? "a" : "b", has_google);
        bool told[2] = {};
        const auto link = [&](const Requester& who, bool& linked) {
          return [&](mongo::Session& session) {
            linked =
                std::holds_alternative<Accepted>(link_identity(services_, session, who, github_));
          };
        };
        race(order_of(first, second), link(one, told[0]), link(two, told[1]));
        ASSERT_NE(told[0], told[1]);
        ASSERT_EQ(owners(), std::vector{told[0] ? one.user_id : two.user_id});
      }
    }
  }
}

TEST_P(IdentityClaimsTest, NorDoesALoginThatMakesAUserTakeItBesideOneWhoLinksIt) {
  for (std::size_t first = 1; first < kSteps; ++first) {
    for (std::size_t second = 1; second < kSteps; ++second) {
      SCOPED_TRACE(::testing::Message() << first << ", " << second);
      remove_all();
      // Ids that are made begin with a digit: that of the new user is the greater one or the
      // lesser one.
      const Requester linker = add(second % 2 == 0 ? "-a" : "z", false);
      bool linked = false;
      std::optional<models::UserId> login;
      race(
          order_of(first, second),
          [&](mongo::Session& session) {
            linked = std::holds_alternative<Accepted>(
                link_identity(services_, session, linker, github_));
          },
          [&](mongo::Session& session) {
            const auto outcome = log_in_by_provider(services_, session, github_, {});
            if (const auto* in = std::get_if<SignedIn>(&outcome)) login = in->user_id;
          });
      const auto owner = owners();
      ASSERT_EQ(owner.size(), 1U);
      ASSERT_EQ(linked, owner[0] == linker.user_id);
      ASSERT_EQ(login.value_or(owner[0]), owner[0]);
      ASSERT_EQ(all_accounts().size(), linked ? 1U : 2U) << "of a user who lost it nothing is left";
    }
  }
}

TEST_P(IdentityClaimsTest, WhatACrashLeftIsNoLinkAndInNobodysWayForLong) {
  const Requester lost = add("a", true);
  const Requester other = add("b", true);
  with_accounts([&](AccountRepository& accounts) {
    const IdentityClaims claims(accounts, github_, context_);
    return accounts.change_account(lost.user_id, [&](Account& account) {
      account.linked_identities.push_back(claims.claim());
      return true;
    });
  });
  const auto listed = database_->run([&](mongo::Session& session) {
    return list_login_providers(services_, session, lost.user_id);
  });
  EXPECT_EQ(listed->size(), 1U);
  EXPECT_FALSE(listed->front().may_unlink) << "a claim is no way in";
  EXPECT_FALSE(links(other));
  clock_.advance(1min);
  EXPECT_TRUE(links(other));
  EXPECT_EQ(owners(), std::vector{other.user_id});
  EXPECT_FALSE(links(lost));
}

TEST_P(IdentityClaimsTest, WhoClaimedItBeforeMayGoOn) {
  const Requester lost = add("a", false);
  with_accounts([&](AccountRepository& accounts) {
    const IdentityClaims claims(accounts, github_, context_);
    return accounts.change_account(lost.user_id, [&](Account& account) {
      account.linked_identities.push_back(claims.claim());
      return true;
    });
  });
  clock_.advance(2min);
  EXPECT_TRUE(links(lost));
  EXPECT_EQ(owners(), std::vector{lost.user_id});
  EXPECT_EQ(by_provider(), lost.user_id);
}

INSTANTIATE_TEST_SUITE_P(On, IdentityClaimsTest, ::testing::Values(Kind::kEmbedded, Kind::kCosmos),
                         [](const auto& kind) {
                           return std::string(kind.param == Kind::kCosmos ? "Cosmos" : "Embedded");
                         });

}  // namespace
}  // namespace gesso::domain
