// One server, one service and a fresh database for all repository tests of the program.
//
// The server is localdb in this process on a Unix socket (of the kind that tests/support/
// tested_dialect.hpp tells), or the one that GESSO_TEST_MONGODB_URI names; there the database has a
// name of its own and is dropped at the end. The clock is a fake one, so that leases, windows and
// TTLs pass when a test says so.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/base/id.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/models/generation.hpp"
#include "gesso/models/rate_limit_log.hpp"
#include "gesso/models/subscription.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/models/user.hpp"
#include "gesso/models/webhook_event.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/repository_context.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/temp_dir.hpp"

namespace gesso::repositories {

// A command as it went to the server.
struct SentCommand {
  std::string name;
  bson::Document command;
};

class Database : public ::testing::Environment {
  testing::TempDir folder_;
  SystemClock system_clock_;
  SystemRandom random_;
  std::unique_ptr<localdb::Server> server_;
  std::unique_ptr<mongo::Service> service_;
  std::mutex mutex_;  // guards the two below
  bool recording_ = false;
  std::vector<SentCommand> sent_;

 public:
  void SetUp() override;
  void TearDown() override;

  // The one of this program, after SetUp.
  static Database& get();

  [[nodiscard]] mongo::Service& service() { return *service_; }
  // Empties the collections; the indexes stay.
  void clear();

  // From here on the commands that are sent are kept; `stop_recording` returns them.
  void start_recording();
  std::vector<SentCommand> stop_recording();

  // Whether commands can be made to fail; a MongoDB server of somebody else's will not, nor will an
  // account of Azure.
  [[nodiscard]] bool has_fail_points() const;
  // Lets so many more commands through that read or write documents, and refuses all that follow
  // with this code.
  void fail_after(int commands, int code = 8000);
  void stop_failing();
};

class RepositoryTest : public ::testing::Test {
 protected:
  // Far enough ahead that no server deletes what is due by this clock.
  testing::FakeClock clock_{std::chrono::sys_days{std::chrono::year{2100} / 1 / 31} +
                            std::chrono::hours{12}};
  SystemRandom random_;
  IdGenerator ids_{clock_, random_};
  const RepositoryContext context_{
      .clock = clock_, .random = random_, .ids = ids_, .bcrypt_cost = 4};

  void SetUp() override { Database::get().clear(); }

  // Runs a unit of work on the service.
  template <class F>
  auto run(F&& unit) {
    return Database::get().service().run(std::forward<F>(unit));
  }
  // The same with repositories of these types over its session.
  template <class... Repositories, class F>
  auto with(F&& unit) {
    return run([&](mongo::Session& session) { return unit(Repositories(session, context_)...); });
  }

  models::User add_user(std::string_view email, std::int64_t credits = 10);
  models::Generation add_generation(const models::UserId& user_id,
                                    std::string_view prompt = "A lake at dusk");
  models::Subscription add_subscription(const models::UserId& user_id, std::int64_t credits);
};

// What `f` throws; a failure of the test where it throws nothing.
template <class F>
Error error_of(F&& f) {
  try {
    std::forward<F>(f)();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::kInternal, "nothing was thrown");
}

}  // namespace gesso::repositories
