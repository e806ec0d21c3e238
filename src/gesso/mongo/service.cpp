#include "gesso/mongo/service.hpp"

#include <algorithm>
#include <latch>
#include <thread>
#include <unordered_map>

#include "gesso/mongo/connect_fsm.hpp"
#include "gesso/mongo/detail/client_pool.hpp"
#include "gesso/mongo/detail/lease.hpp"
#include "gesso/mongo/detail/worker_pool.hpp"
#include "gesso/mongo/uri.hpp"

namespace gesso::mongo {
namespace {

using std::chrono::milliseconds;

// Hands libmongoc's log lines to the callback, on a thread of its own.
class LogReader {
  std::function<void(const LogLine&)> log_;
  std::mutex mutex_;  // guards the two below
  std::condition_variable woken_;
  bool pending_ = false;
  bool stopping_ = false;
  std::shared_ptr<detail::LogQueue> queue_;
  detail::Runtime runtime_;
  std::jthread thread_;

  void wake() {
    const std::lock_guard lock(mutex_);
    pending_ = true;
    woken_.notify_one();
  }

  void read() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      woken_.wait(lock, [&] { return pending_ || stopping_; });
      pending_ = false;
      lock.unlock();
      drain();
      lock.lock();
    }
  }

  void drain() {
    for (const LogLine& line : queue_->take()) log_(line);
  }

 public:
  explicit LogReader(std::function<void(const LogLine&)> log)
      : log_(std::move(log)),
        queue_(log_ ? std::make_shared<detail::LogQueue>([this] { wake(); }) : nullptr),
        runtime_(queue_) {
    if (queue_) thread_ = std::jthread([this] { read(); });
  }
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;
  ~LogReader() {
    if (!queue_) return;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      woken_.notify_one();
    }
    thread_.join();
    drain();
  }
};

// libmongoc tells of a command's end without the command: it is kept from the start to then.
class CommandWatch {
  CommandObserver observe_;
  CommandTimer time_;
  std::mutex mutex_;  // guards sent_
  std::unordered_map<std::int64_t, bson::Document> sent_;

  template <class Event>
  static CommandWatch& self(void* (*context)(const Event*), const Event* event) {
    return *static_cast<CommandWatch*>(context(event));
  }

  // These two are called by C code, which exceptions must not cross: what cannot be kept is not
  // told.
  void started(std::int64_t id, bson::View command) noexcept {
    try {
      bson::Document kept(command);
      const std::lock_guard lock(mutex_);
      sent_.insert_or_assign(id, std::move(kept));
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): out of memory
    }
  }

  void ended(std::int64_t id, const char* name, std::int64_t microseconds, bool ok) noexcept {
    if (time_) {
      try {
        time_(name, std::chrono::microseconds{microseconds}, ok);
      } catch (...) {  // NOLINT(bugprone-empty-catch): the observer's own affair
      }
    }
    if (!observe_) return;
    bson::Document command;
    {
      const std::lock_guard lock(mutex_);
      auto node = sent_.extract(id);
      if (node.empty()) return;
      command = std::move(node.mapped());
    }
    try {
      observe_(name, command, std::chrono::microseconds{microseconds}, ok);
    } catch (...) {  // NOLINT(bugprone-empty-catch): the observer's own affair
    }
  }

 public:
  CommandWatch(CommandObserver observe, CommandTimer time)
      : observe_(std::move(observe)), time_(std::move(time)) {}

  void watch(mongoc_client_pool_t* pool) {
    if (!observe_ && !time_) return;
    const detail::ApmPtr callbacks(mongoc_apm_callbacks_new());
    if (observe_) {
      mongoc_apm_set_command_started_cb(
          callbacks.get(), [](const mongoc_apm_command_started_t* event) {
            self(mongoc_apm_command_started_get_context, event)
                .started(mongoc_apm_command_started_get_request_id(event),
                         bson::View(bson_get_data(mongoc_apm_command_started_get_command(event))));
          });
    }
    mongoc_apm_set_command_succeeded_cb(
        callbacks.get(), [](const mongoc_apm_command_succeeded_t* event) {
          self(mongoc_apm_command_succeeded_get_context, event)
              .ended(mongoc_apm_command_succeeded_get_request_id(event),
                     mongoc_apm_command_succeeded_get_command_name(event),
                     mongoc_apm_command_succeeded_get_duration(event), true);
        });
    mongoc_apm_set_command_failed_cb(callbacks.get(), [](const mongoc_apm_command_failed_t* event) {
      self(mongoc_apm_command_failed_get_context, event)
          .ended(mongoc_apm_command_failed_get_request_id(event),
                 mongoc_apm_command_failed_get_command_name(event),
                 mongoc_apm_command_failed_get_duration(event), false);
    });
    mongoc_client_pool_set_apm_callbacks(pool, callbacks.get(), this);
  }
};

// Beside the workers' clients: one that checks, and the blank one that `ClientPool::close` takes.
constexpr std::size_t kExtraClients = 2;

DriverUri driver_uri(const Secret& uri, const ServiceOptions& options) {
  return prepare_uri(uri, {.max_pool_size = options.pool_size + kExtraClients,
                           .server_selection_timeout = options.server_selection_timeout,
                           .connect_timeout = options.connect_timeout,
                           .socket_timeout = options.socket_timeout,
                           .tls_ca_file = options.tls_ca_file,
                           .app_name = options.app_name});
}

// libmongoc's words may quote the URI.
std::string without(std::string text, std::string_view secret) {
  for (std::size_t at = 0; !secret.empty() && (at = text.find(secret, at)) != std::string::npos;) {
    text.replace(at, secret.size(), "***");
  }
  return text;
}

detail::PoolPtr make_pool(const DriverUri& uri, CommandWatch& watch) {
  bson_error_t error{};
  const std::string text(uri.text.reveal());
  const auto refuse = [&]() -> Error {
    const std::size_t colon = text.find(':', text.find("://") + 3);
    const std::size_t at = text.rfind('@', text.find('?'));
    const std::string password = colon < at && at != std::string::npos
                                     ? text.substr(colon + 1, at - colon - 1)
                                     : std::string{};
    return Error(ErrorKind::kValidation,
                 "the connection string cannot be read: " + without(error.message, password) +
                     " (" + uri.redacted + ")");
  };
  const detail::UriPtr parsed(mongoc_uri_new_with_error(text.c_str(), &error));
  if (!parsed) throw refuse();
  detail::PoolPtr pool(mongoc_client_pool_new_with_error(parsed.get(), &error));
  if (!pool) throw refuse();
  mongoc_client_pool_set_error_api(pool.get(), MONGOC_ERROR_API_VERSION_2);
  watch.watch(pool.get());
  return pool;
}

// A worker's connection.
class WorkerConnection final : public detail::WorkerState {
  using SteadyTime = std::chrono::steady_clock::time_point;

  detail::Shared& shared_;
  const ServiceOptions& options_;
  const Clock& clock_;
  Session::Impl lease_;
  SteadyTime last_unit_;

 public:
  WorkerConnection(detail::Shared& shared, const ServiceOptions& options, const Clock& clock)
      : shared_(shared),
        options_(options),
        clock_(clock),
        lease_(shared),
        last_unit_(clock.steady_now()) {}

  void run(Deadline deadline, const Service::Work& work,
           Priority priority = Priority::kForeground) {
    lease_.begin(deadline, priority);
    Session session(lease_);
    work(session);
    last_unit_ = clock_.steady_now();
  }

  void upkeep() override {
    lease_.begin(Deadline::after(options_.connect_timeout));
    const std::size_t open = shared_.open_connections;
    if (!lease_.is_connected() && open >= options_.warm_minimum) return;
    const milliseconds limit =
        std::min(options_.idle_limit, lease_.endpoint().uri.max_idle.value_or(milliseconds::max()));
    const bool idle = clock_.steady_now() - last_unit_ >= limit;
    if (idle && open > options_.warm_minimum) return lease_.close();
    Session session(lease_);
    try {
      (void)session.run_command("admin", bson::make_document("ping", 1));
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the next unit opens a new one
    }
  }
};

// Connections for units that run on their callers' threads. Thread-safe.
class CallerConnections {
  std::mutex mutex_;  // guards what follows
  std::condition_variable returned_;
  std::vector<std::unique_ptr<WorkerConnection>> idle_;  // the newest last
  std::size_t taken_ = 0;
  bool stopping_ = false;

 public:
  // nullptr once it stops.
  template <class Make>
  std::unique_ptr<WorkerConnection> take(Make make) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return nullptr;
      ++taken_;
      if (!idle_.empty()) {
        auto newest = std::move(idle_.back());
        idle_.pop_back();
        return newest;
      }
    }
    try {
      return make();
    } catch (...) {
      put_back(nullptr);
      throw;
    }
  }

  void put_back(std::unique_ptr<WorkerConnection> connection) {
    const std::lock_guard lock(mutex_);
    if (connection != nullptr) idle_.push_back(std::move(connection));
    --taken_;
    if (stopping_) returned_.notify_all();
  }

  // Waits for those that are taken. Idempotent.
  void stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    returned_.wait(lock, [this] { return taken_ == 0; });
    idle_.clear();
  }
};

}  // namespace

class Service::Impl {
  ServiceOptions options_;
  const Clock& clock_;
  Random& random_;
  LogReader log_reader_;
  CommandWatch watch_;
  detail::EndpointCloser endpoint_closer_;
  detail::Shared shared_;
  // Held by the one call of `switch_to` that goes on, also while it prepares the new server.
  std::mutex switching_;
  CallerConnections callers_;
  detail::WorkerPool workers_;  // last: its threads use all of the above

  std::shared_ptr<detail::Endpoint> make_endpoint(const Secret& text, std::uint64_t pool_number) {
    DriverUri uri = driver_uri(text, options_);
    if (uri.token_login && !options_.login_token) {
      throw Error(ErrorKind::kValidation,
                  "the connection string asks for MONGODB-OIDC, and nothing gives access tokens (" +
                      uri.redacted + ")");
    }
    detail::PoolPtr pool = make_pool(uri, watch_);
    auto endpoint =
        std::make_unique<detail::Endpoint>(pool_number, std::move(uri), std::move(pool));
    endpoint->traits = shared_.dialects.of(detect_dialect(endpoint->uri.hosts, bson::View()));
    return endpoint_closer_.share(std::move(endpoint));
  }

  // Connects as a unit of work would, and learns what the server is.
  void check(const std::shared_ptr<detail::Endpoint>& endpoint, Deadline deadline,
             const std::function<void(Session&)>& prepare = {}) {
    Session::Impl lease(shared_, endpoint);
    lease.begin(deadline);
    Session session(lease);
    check_health(session);
    // Every server since 2.0 knows this name.
    const bson::Document hello = session.run_command("admin", bson::make_document("isMaster", 1));
    const DialectTraits* const traits =
        shared_.dialects.of(detect_dialect(endpoint->uri.hosts, hello));
    endpoint->traits = traits;
    endpoint->max_document_size = max_document_size(*traits, hello);
    // The string of an account with the capability says retrywrites=false all the same.
    endpoint->retry_writes = traits->retryable_writes && can_retry_writes(hello) &&
                             (endpoint->uri.retry_writes || traits->dialect == Dialect::kCosmosRu);
    endpoint->change_streams = !lease.is_local() && mongo::has_change_streams(*traits, hello);
    if (prepare) prepare(session);
  }

  // Makes the first endpoint current, for the workers to start on.
  detail::WorkerPool::Options begin() {
    shared_.database = options_.database;
    shared_.random = &random_;
    shared_.server_selection_timeout = options_.server_selection_timeout;
    shared_.connect_timeout = options_.connect_timeout;
    shared_.renew_credentials = options_.renew_credentials;
    shared_.login_token = options_.login_token;
    shared_.clock = &clock_;
    shared_.open_local = options_.open_local;
    shared_.joins_writes = options_.joins_writes;
    shared_.dialects.forced = options_.dialect;
    for (const Dialect dialect : kDialects) {
      shared_.dialects.traits[static_cast<std::size_t>(dialect)] =
          traits_of(dialect, options_.capabilities);
    }
    shared_.charge_sampling = options_.charge_sampling;
    shared_.observe_charge = options_.observe_charge;
    shared_.observe_command = options_.observe_command;
    shared_.time_command = options_.time_command;
    shared_.replace(make_endpoint(options_.uri, 1));
    return {
        .workers = options_.pool_size,
        .queue_limit = options_.queue_limit,
        .upkeep_period = std::min({options_.keep_alive, options_.idle_limit,
                                   shared_.current()->uri.max_idle.value_or(options_.idle_limit)}),
        .make_state =
            [this] { return std::make_unique<WorkerConnection>(shared_, options_, clock_); },
        .admit = [this](Priority priority) { return shared_.limiter.admit_unit(priority); }};
  }

  // Opens the warm minimum: so many units that none ends before all have begun.
  void warm(Service& service) {
    const auto wanted =
        static_cast<std::ptrdiff_t>(std::min(options_.warm_minimum, options_.pool_size));
    const auto all = std::make_shared<std::latch>(wanted);
    for (std::ptrdiff_t i = 0; i < wanted; ++i) {
      service.submit(
          Deadline::after(options_.connect_timeout),
          [all](Session& session) {
            try {
              (void)session.run_command("admin", bson::make_document("ping", 1));
            } catch (const Error&) {  // NOLINT(bugprone-empty-catch): it opens when it is needed
            }
            all->arrive_and_wait();
          },
          [all](const std::exception_ptr&) { all->count_down(); });
    }
    all->wait();
  }

 public:
  Impl(ServiceOptions options, const Clock& clock, Random& random)
      : options_(std::move(options)),
        clock_(clock),
        random_(random),
        log_reader_(options_.log),
        watch_(options_.observe_command, options_.time_command),
        workers_(begin()) {}

  void connect(Service& service) {
    ConnectFsm fsm({.attempts = options_.connect_attempts,
                    .wait_min = options_.connect_wait_min,
                    .wait_max = options_.connect_wait_max});
    using Event = ConnectFsm::Event;
    using Kind = ConnectFsm::Action::Kind;
    std::exception_ptr failure = std::make_exception_ptr(
        Error(ErrorKind::kUnavailable, "the database service is shutting down"));
    Event event = Event::kStart;
    for (;;) {
      const ConnectFsm::Action action = fsm.resume(event, random_.uniform());
      switch (action.kind) {
        case Kind::kTry:
          try {
            check(shared_.current(),
                  Deadline::after(options_.server_selection_timeout + options_.connect_timeout));
            event = Event::kConnected;
          } catch (const Error& error) {
            failure = std::current_exception();
            event = shared_.stop.is_given()                ? Event::kStopped
                    : error.kind() == ErrorKind::kAuth     ? Event::kRefused
                    : error.kind() == ErrorKind::kInternal ? Event::kRefused
                                                           : Event::kFailed;
          }
          break;
        case Kind::kWait:
          event = shared_.stop.wait_for(action.wait) ? Event::kStopped : Event::kWaited;
          break;
        case Kind::kConnected:
          warm(service);
          return;
        case Kind::kGiveUp:
          std::rethrow_exception(failure);
      }
    }
  }

  std::uint64_t switch_to(const Secret& uri, Deadline deadline,
                          const std::function<void(Session&)>& prepare) {
    const std::lock_guard lock(switching_);
    std::shared_ptr<detail::Endpoint> next = make_endpoint(uri, shared_.pool_number() + 1);
    check(next, deadline, prepare);
    const std::uint64_t pool_number = next->pool_number;
    shared_.replace(std::move(next));
    workers_.call_upkeep();
    return pool_number;
  }

  void check_health(Session& session) const {
    (void)session.run_command("admin", bson::make_document("ping", 1));
    // A ping may pass while every read is refused (Azure, after a key was rotated).
    (void)session.find_one(options_.health_collection, bson::make_document("_id", "health"));
  }

  void submit(Deadline deadline, Work work, OnRefused refused, Priority priority) {
    workers_.submit(
        {.deadline = deadline,
         .work =
             [this, deadline, priority, work = std::move(work),
              submitted = std::chrono::steady_clock::now()](detail::WorkerState& state) {
               if (options_.time_wait) {
                 options_.time_wait(std::chrono::duration_cast<std::chrono::microseconds>(
                     std::chrono::steady_clock::now() - submitted));
               }
               static_cast<WorkerConnection&>(state).run(deadline, work, priority);
             },
         .refused = std::move(refused),
         .priority = priority});
  }

  bool run_here(Deadline deadline, const Work& work) {
    if (!options_.open_local) return false;
    auto connection = callers_.take(
        [this] { return std::make_unique<WorkerConnection>(shared_, options_, clock_); });
    if (connection == nullptr) return false;
    connection->run(deadline, work);
    callers_.put_back(std::move(connection));
    return true;
  }

  void stop() {
    shared_.stop.give();
    workers_.stop();
    callers_.stop();
  }

  const ServiceOptions& options() const { return options_; }
  std::uint64_t pool_number() const { return shared_.pool_number(); }
  std::string redacted_uri() const { return shared_.current()->uri.redacted; }
  const DialectTraits& traits() const { return *shared_.current()->traits.load(); }
  bool has_change_streams() const { return shared_.current()->change_streams; }
  PoolStatus status() const {
    const detail::WorkerPool::Status workers = workers_.status();
    return {.workers = workers.workers,
            .busy = workers.busy,
            .queued = workers.queued,
            .longest_wait = workers.longest_wait,
            .open_connections = shared_.open_connections,
            .throughput_limit = shared_.limiter.budget()};
  }
};

Service::Service(ServiceOptions options, const Clock& clock, Random& random)
    : impl_(std::make_unique<Impl>(std::move(options), clock, random)) {}
Service::~Service() { stop(); }

void Service::connect() { impl_->connect(*this); }

std::uint64_t Service::switch_to(Secret uri, Deadline deadline,
                                 const std::function<void(Session&)>& prepare) {
  return impl_->switch_to(uri, deadline, prepare);
}

void Service::stop() { impl_->stop(); }

void Service::submit(Deadline deadline, Work work, OnRefused refused, Priority priority) {
  impl_->submit(deadline, std::move(work), std::move(refused), priority);
}

bool Service::run_here(Deadline deadline, const Work& work) {
  return impl_->run_here(deadline, work);
}

void Service::check_health(Session& session) const { impl_->check_health(session); }

const DialectTraits& Service::traits() const { return impl_->traits(); }
bool Service::has_change_streams() const { return impl_->has_change_streams(); }
const std::string& Service::database() const { return impl_->options().database; }
PoolStatus Service::status() const { return impl_->status(); }
std::string Service::redacted_uri() const { return impl_->redacted_uri(); }
std::uint64_t Service::pool_number() const { return impl_->pool_number(); }
milliseconds Service::default_deadline() const { return impl_->options().default_deadline; }

}  // namespace gesso::mongo
