// The whole service in this process, over the embedded engine: HTTP in front, localdb behind.
//
// Owned by the test; not thread-safe.
#pragma once

#include <atomic>
#include <boost/json.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gesso/api/application.hpp"
#include "gesso/api/metric_history.hpp"
#include "gesso/api/operations.hpp"
#include "gesso/domain/account_services.hpp"
#include "gesso/domain/hash_pool.hpp"
#include "gesso/domain/jwt.hpp"
#include "gesso/http/server.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/repositories/indexes.hpp"
#include "gesso/repositories/user_repository.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/domain/keeping_mailer.hpp"
#include "tests/http/raw_client.hpp"
#include "tests/support/tested_dialect.hpp"

namespace gesso::api::testing {

namespace json = boost::json;

struct Reply {
  int status = 0;
  std::string body;
  http::testing::RawResponse raw;

  [[nodiscard]] json::value value() const { return json::parse(body); }
  // What the body says, but for the request's id, in which no two responses are alike.
  [[nodiscard]] json::value said() const {
    json::value all = value();
    all.as_object().erase("request_id");
    return all;
  }
};

// What the access log is told, as texts: "GET /path 200 getMe".
class AccessLines {
  mutable std::mutex mutex_;  // guards lines_
  std::vector<std::string> lines_;

 public:
  void add(const Record& record) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::string(record.method) + " " + record.path + " " +
                     std::to_string(record.status) + " " +
                     (record.operation.empty() ? "-" : std::string(record.operation)));
  }
  [[nodiscard]] std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
};

// What a running process has; gone and made again, that is a restart.
class Running {
 public:
  SystemClock clock;
  gesso::testing::FakeClock token_clock;
  SystemRandom random;
  IdGenerator ids{clock, random};
  repositories::CreditCounters credits;
  repositories::RepositoryContext repository_context{
      .clock = clock, .random = random, .ids = ids, .bcrypt_cost = 4, .credits = &credits};
  domain::Tokens tokens{Secret(std::string_view("a key of thirty-two bytes or more")),
                        std::chrono::hours{1}, token_clock};
  Keyring keys = [] {
    const Secret key(std::string(Keyring::kMinKeyBytes, 'k'));
    return Keyring(std::span(&key, 1));
  }();
  domain::KeepingMailer mailer;
  localdb::Server engine;
  mongo::Service database;
  domain::NoAttemptLimits limits;
  domain::MailQueue mail{mailer};
  domain::AccountServices accounts{
      .context = repository_context,
      .tokens = tokens,
      .mail = mail,
      .limits = limits,
      .run =
          [this](const domain::Unit& unit) {
            database.run([&](mongo::Session& session) { unit(session); });
          },
      .keys = &keys};
  Metrics metrics;
  domain::HashPool hashes;
  domain::UsageRecorder usage;
  domain::Limiter limiter;
  domain::BacklogWatch backlog;
  AccessLines access_lines;
  MetricHistory metric_history{720};
  std::atomic<bool> ending = false;
  Services services;
  Application application;
  http::Server server;

  Running(const std::filesystem::path& folder, std::size_t waiting_hashes,
          std::chrono::milliseconds request_timeout, std::string_view limit_table,
          std::chrono::milliseconds server_selection_timeout, std::size_t max_connections)
      : engine(gesso::testing::on_tested_dialect(
            {.data_dir = folder / "data", .unix_socket = folder / "db.sock"})),
        database({.uri = Secret(engine.uri()),
                  .pool_size = 4,
                  .warm_minimum = 0,
                  .connect_attempts = 1,
                  .server_selection_timeout = server_selection_timeout},
                 clock, random),
        hashes(1, waiting_hashes, 0,
               [this](std::chrono::microseconds waited) { metrics.pool_wait("hashing", waited); }),
        usage(database, repository_context, {.flush_interval = std::chrono::milliseconds{10}}),
        limiter(domain::parse_limits(limit_table), repository_context),
        backlog(database, repository_context, std::chrono::milliseconds{0}),
        services{.database = database,
                 .repository_context = repository_context,
                 .tokens = tokens,
                 .accounts = accounts,
                 .hashes = hashes,
                 .metrics = metrics,
                 .limiter = &limiter,
                 .usage = &usage,
                 .request_timeout = request_timeout,
                 .access_log = [this](const Record& record) { access_lines.add(record); },
                 .ending = &ending,
                 .server = &server,
                 .backlog = &backlog,
                 .metric_history = &metric_history},
        application(services),
        server({.port = 0,
                .threads = 1,
                .max_connections = max_connections,
                .always_answered = {kAlwaysAnswered.begin(), kAlwaysAnswered.end()},
                .on_refused =
                    [this](const http::Refusal& refusal) {
                      record_refusal(metrics, services.access_log, refusal);
                    }},
               [this](http::Request request, http::Responder respond) {
                 application.answer(std::move(request), std::move(respond));
               }) {
    engine.start();
    database.connect();
    database.run([&](mongo::Session& session) {
      return mongo::create_indexes(session, repositories::declared_indexes(),
                                   gesso::testing::tested_collections());
    });
    server.start();
  }
  // As `gesso serve` ends: units use the hash pool, and hashes the service.
  ~Running() {
    server.stop(std::chrono::seconds{1});
    usage.stop(Deadline::after(std::chrono::seconds{5}));
    mail.stop(Deadline::after(std::chrono::seconds{1}));
    database.stop();
  }
};

class ServiceFixture {
  gesso::testing::TempDir folder_;
  std::size_t waiting_hashes_ = 100;
  std::chrono::milliseconds request_timeout_{30'000};
  std::string limits_ = "*.* = unlimited";
  // Long, since a loaded machine is no database that is away.
  std::chrono::milliseconds server_selection_timeout_{30'000};
  std::size_t max_connections_ = 4096;
  std::optional<Running> running_;

 public:
  ServiceFixture() { restart(); }

  void restart() {
    running_.reset();
    running_.emplace(folder_.path(), waiting_hashes_, request_timeout_, limits_,
                     server_selection_timeout_, max_connections_);
  }
  void restart_with(std::size_t waiting_hashes, std::chrono::milliseconds request_timeout) {
    waiting_hashes_ = waiting_hashes;
    request_timeout_ = request_timeout;
    restart();
  }
  void restart_with_limits(std::string_view limits) {
    limits_ = limits;
    restart();
  }
  // For a test that takes the database away, and waits for the service to notice.
  void restart_with_server_selection(std::chrono::milliseconds timeout) {
    server_selection_timeout_ = timeout;
    restart();
  }
  void restart_with_connections(std::size_t most) {
    max_connections_ = most;
    restart();
  }
  Running& service() { return *running_; }
  // The mails since the last time.
  std::vector<domain::Message> mails() {
    running_->mail.drain();
    return running_->mailer.take();
  }

  Reply ask(std::string_view method, std::string_view path, std::string_view body = {},
            std::string_view token = {}, std::string_view type = "application/json") {
    http::testing::RawClient client(running_->server.port());
    std::string headers;
    if (!token.empty()) headers += "Authorization: Bearer " + std::string(token) + "\r\n";
    if (!body.empty()) headers += "Content-Type: " + std::string(type) + "\r\n";
    auto raw = client.exchange(http::testing::request(method, path, headers, body));
    return {.status = raw.status, .body = raw.body, .raw = std::move(raw)};
  }

  // Makes an administrator of who has registered.
  void promote(std::string_view token) {
    const std::string id(ask("GET", "/api/v1/users/me", {}, token).value().at("id").as_string());
    running_->database.run([&](mongo::Session& session) {
      repositories::UserRepository(session, running_->repository_context)
          .set_role(models::UserId(id), models::UserRole::kAdmin);
    });
  }

  // Registers, logs in, and gives the token.
  std::string token_of(const std::string& email) {
    const std::string body = R"({"email":")" + email + R"(","password":"correct horse"})";
    ask("POST", "/api/v1/auth/register", body);
    const Reply reply = ask("POST", "/api/v1/auth/login", body);
    return std::string(reply.value().at("access_token").as_string());
  }
};

}  // namespace gesso::api::testing
