#include "gesso/mongo/detail/driver.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

namespace gesso::mongo::detail {
namespace {

LogLevel level_of(mongoc_log_level_t level) {
  switch (level) {
    case MONGOC_LOG_LEVEL_ERROR:
    case MONGOC_LOG_LEVEL_CRITICAL:
      return LogLevel::kError;
    case MONGOC_LOG_LEVEL_WARNING:
      return LogLevel::kWarning;
    case MONGOC_LOG_LEVEL_MESSAGE:
    case MONGOC_LOG_LEVEL_INFO:
      return LogLevel::kInfo;
    case MONGOC_LOG_LEVEL_DEBUG:
    case MONGOC_LOG_LEVEL_TRACE:
      break;
  }
  return LogLevel::kDebug;
}

thread_local bool muted = false;

// libmongoc's life in this process.
class Process {
  std::mutex mutex_;  // guards queues_; held while a queue's reader is woken
  std::vector<std::shared_ptr<LogQueue>> queues_;

  // Called by libmongoc under a mutex of its own, on any thread: enqueues, no more. An exception
  // must not cross its frames: a line for which there is no memory is not told.
  static void on_log(mongoc_log_level_t level, const char* domain, const char* message,
                     void* self) noexcept {
    if (muted) return;
    try {
      auto& process = *static_cast<Process*>(self);
      const std::lock_guard lock(process.mutex_);
      for (const auto& queue : process.queues_) {
        queue->push({.level = level_of(level), .domain = domain, .message = message});
      }
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): see above
    }
  }

  // Counters of libmongoc's, made when it was loaded, for a tool that nobody here has. The file's
  // name goes now: of who is killed it would stay, and the next process of that number warns of it.
  static void let_go_of_counters() {
    (void)::shm_unlink(("/mongoc-" + std::to_string(::getpid())).c_str());
  }

  Process() {
    mongoc_init();
    let_go_of_counters();
    mongoc_log_set_handler(&Process::on_log, this);
  }
  ~Process() { mongoc_cleanup(); }

 public:
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  static Process& instance() {
    static Process process;
    return process;
  }
  void add(std::shared_ptr<LogQueue> queue) {
    const std::lock_guard lock(mutex_);
    queues_.push_back(std::move(queue));
  }
  void remove(const std::shared_ptr<LogQueue>& queue) {
    const std::lock_guard lock(mutex_);
    std::erase(queues_, queue);
  }
};

}  // namespace

Origin origin_of(const bson_error_t& error) noexcept {
  switch (error.domain) {
    case MONGOC_ERROR_SERVER:
    case MONGOC_ERROR_QUERY:
      return Origin::kServer;
    case MONGOC_ERROR_WRITE_CONCERN:
      return Origin::kWriteConcern;
    case MONGOC_ERROR_SERVER_SELECTION:
      return Origin::kNotSent;
    case MONGOC_ERROR_STREAM:
      return error.code == MONGOC_ERROR_STREAM_CONNECT ||
                     error.code == MONGOC_ERROR_STREAM_NAME_RESOLUTION ||
                     error.code == MONGOC_ERROR_STREAM_NOT_ESTABLISHED
                 ? Origin::kNotSent
                 : Origin::kNetwork;
    case MONGOC_ERROR_CLIENT:
      return error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE ? Origin::kAuthentication
                                                            : Origin::kDriver;
    case MONGOC_ERROR_SASL:
    case MONGOC_ERROR_SCRAM:
      return Origin::kAuthentication;
    default:
      return Origin::kDriver;
  }
}

Error to_error(const bson_error_t& error, bson::View reply, const Operation& operation) {
  const Origin origin = origin_of(error);
  std::string_view message = error.message;
  // Cosmos DB's own commands say "errMsg", and libmongoc does not look there.
  for (const std::string_view key : {"errmsg", "errMsg"}) {
    if (const bson::Value said = reply[key]; origin == Origin::kServer && said.is_string()) {
      message = said.as_string();
    }
  }
  return make_error(origin, static_cast<int>(error.code), message, reply, operation);
}

void LogQueue::push(LogLine line) {
  constexpr std::size_t kMost = 1000;
  {
    const std::lock_guard lock(mutex_);
    if (lines_.size() == kMost) lines_.pop_front();
    lines_.push_back(std::move(line));
  }
  wake_();
}

std::deque<LogLine> LogQueue::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(lines_, {});
}

Muted::Muted() { muted = true; }
Muted::~Muted() { muted = false; }

Runtime::Runtime(std::shared_ptr<LogQueue> queue) : queue_(std::move(queue)) {
  Process& process = Process::instance();
  if (queue_) process.add(queue_);
}

Runtime::~Runtime() {
  if (queue_) Process::instance().remove(queue_);
}

}  // namespace gesso::mongo::detail
