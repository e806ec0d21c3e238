// Ctrl-C and SIGTERM as an event: the first asks the program to end, the second ends it at once.
//
// Made before any other thread, since threads inherit which signals are blocked. One at a time.
// Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace gesso::cli {

class Signals {
  int signal_fd_ = -1;
  int wake_fd_ = -1;          // ends the thread
  mutable std::mutex mutex_;  // guards the three below
  bool requested_ = false;
  std::function<void()> on_request_;
  bool running_ = false;  // the callback, on this object's thread
  std::condition_variable changed_;
  std::thread thread_;

  void watch();

 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Blocks until the first signal.
  void wait();
  [[nodiscard]] bool requested() const;
  // Called on the first signal, on a thread of this object, or at once where it has come already.
  // An empty one takes it back; it does not run any more then: the call waits for one that runs, so
  // a callback must not make it.
  void on_request(std::function<void()> callback);
};

}  // namespace gesso::cli
