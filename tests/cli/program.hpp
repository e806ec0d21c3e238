// Runs the built `gesso`: to its end, or as a server until the test is done with it.
//
// Owned by the test; not thread-safe.
#pragma once

#include <fcntl.h>
#include <signal.h>  // kill is POSIX
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "gesso/testing/temp_dir.hpp"

namespace gesso::cli::testing {

struct Outcome {
  int status = 0;  // the exit status; the negative signal that ended it
  std::string out;
  std::string err;
};

class Program {
  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string text_;
  std::string log_;

  static std::string read_to_end(int fd) {
    std::string text;
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(fd, buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
  }

 public:
  // In `folder`, with no GESSO_ variable but those of `environment`, and no more than so many open
  // files where `files` is not 0.
  Program(const std::vector<std::string>& arguments, const std::string& folder,
          const std::map<std::string, std::string>& environment = {}, rlim_t files = 0) {
    int out[2];
    int err[2];
    if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) {
      throw std::runtime_error("pipe");
    }
    std::vector<std::string> texts{"PATH=/usr/bin:/bin", "TMPDIR=/tmp"};
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"}) {
      if (const char* value = ::getenv(name)) texts.push_back(std::string(name) + "=" + value);
    }
    for (const auto& [name, value] : environment) texts.push_back(name + "=" + value);
    std::vector<char*> env;
    for (std::string& text : texts) env.push_back(text.data());
    env.push_back(nullptr);
    const std::string path = GESSO_BINARY_DIR "/gesso";
    std::vector<std::string> words{path};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);

    pid_ = ::fork();
    if (pid_ == 0) {
      if (::chdir(folder.c_str()) != 0) ::_exit(126);
      ::signal(SIGINT, SIG_DFL);  // which tests that run in the background inherit as ignored
      ::dup2(out[1], 1);
      ::dup2(err[1], 2);
      const rlimit limit{.rlim_cur = files, .rlim_max = files};
      if (files != 0 && ::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(126);
      ::execve(path.c_str(), argv.data(), env.data());
      ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    out_ = out[0];
    err_ = err[0];
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(out_);
    ::close(err_);
  }

  // Reads its output until `text` is in it; throws with what it said instead when it ends before.
  std::string wait_for(const std::string& text) { return read_until(out_, text_, text); }
  // The same for its log.
  std::string wait_for_log(const std::string& text) { return read_until(err_, log_, text); }

  // Of its CPU, by all its threads, since its start.
  [[nodiscard]] std::chrono::milliseconds cpu_time() const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/stat");
    std::string text{std::istreambuf_iterator<char>(in), {}};
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    long user = 0;
    long system = 0;
    fields >> user >> system;
    return std::chrono::milliseconds{(user + system) * 1000 / ::sysconf(_SC_CLK_TCK)};
  }

  void send(int signal) const { ::kill(pid_, signal); }

  Outcome finish() {
    Outcome outcome;
    outcome.out = text_ + read_to_end(out_);
    outcome.err = log_ + read_to_end(err_);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return outcome;
  }

 private:
  std::string read_until(int from, std::string& so_far, const std::string& text) {
    char buffer[4096];
    while (so_far.find(text) == std::string::npos) {
      const ssize_t count = ::read(from, buffer, sizeof buffer);
      if (count <= 0) throw std::runtime_error("ended: " + text_ + log_ + read_to_end(err_));
      so_far.append(buffer, static_cast<std::size_t>(count));
    }
    return so_far;
  }
};

}  // namespace gesso::cli::testing
