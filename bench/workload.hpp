// What the programs of the yardstick share: the document that they store, threads that repeat an
// operation for a while, and the line of JSON that says what came of it.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/bson/builder.hpp"

namespace gesso::bench {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kDocumentBytes = 456;
constexpr std::uint64_t kDocumentsPerUser = 100;
constexpr std::uint64_t kStatuses = 4;

[[noreturn]] inline void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::_Exit(1);
}

// An id as long as the service's: a prefix and 26 digits.
inline std::string make_id(std::string_view prefix, std::uint64_t number) {
  std::string id(prefix);
  char digits[27];
  std::snprintf(digits, sizeof digits, "%026" PRIx64, number);
  return id += digits;
}

// A new id, greater than all before it as a ULID is, whichever process made them.
inline std::string make_fresh_id(std::size_t thread, std::uint64_t number) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  char digits[27];
  std::snprintf(digits, sizeof digits, "%016" PRIx64 "%03zx%07" PRIx64,
                static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count()), thread & 0xfff,
                number & 0xfffffff);
  return std::string("gen_") + digits;
}

inline std::string user_id(std::uint64_t user) { return make_id("user_", user); }

inline std::string_view status_text(std::uint64_t number) {
  constexpr std::string_view kTexts[kStatuses] = {"pending", "processing", "completed", "failed"};
  return kTexts[number % kStatuses];
}

inline std::int64_t created_at(std::uint64_t number) {
  return 1'770'000'000'000 + static_cast<std::int64_t>(number);
}

// The `number`th document of a collection of `documents`: a generation of kDocumentBytes bytes.
// The documents of one user lie spread over the whole collection.
inline bson::Document make_generation(std::string_view id, std::uint64_t number,
                                      std::uint64_t documents) {
  const std::uint64_t users = std::max<std::uint64_t>(1, documents / kDocumentsPerUser);
  const Time created{std::chrono::milliseconds(created_at(number))};
  const auto with_prompt = [&](const std::string& prompt) {
    return bson::make_document(
        "_id", id, "user_id", user_id(number % users), "prompt", prompt, "model_type",
        "stable-diffusion-xl", "image_size", "1024x1024", "num_images",
        static_cast<std::int32_t>(1 + number % 4), "guidance_scale", 7.5, "num_inference_steps", 50,
        "status", status_text(number / users), "cost_credits", 1, "credits_from_balance", 1,
        "attempts", 0, "created_at", created, "updated_at", created);
  };
  thread_local const std::size_t kEmpty = with_prompt("").size();
  const std::size_t status_difference =
      status_text(number / users).size() - status_text(0).size();  // wraps, and is added back
  std::string prompt = "A beautiful sunset over mountains, oil on canvas, ";
  prompt.resize(kDocumentBytes - kEmpty - status_difference, '.');
  return with_prompt(prompt);
}

// The CPU that `process` has used so far, all threads of it, those that have ended too.
inline std::chrono::nanoseconds cpu_of(pid_t process) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &used) != 0) {
    fail("no CPU clock of process " + std::to_string(process));
  }
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

struct Measured {
  std::uint64_t operations = 0;
  std::chrono::nanoseconds took{};
  std::chrono::nanoseconds own_cpu{};
  std::chrono::nanoseconds server_cpu{};
  std::vector<std::uint32_t> latencies_ns;  // sorted

  [[nodiscard]] double percentile_us(double part) const {
    if (latencies_ns.empty()) return 0;
    const auto at = static_cast<std::size_t>(part * static_cast<double>(latencies_ns.size() - 1));
    return static_cast<double>(latencies_ns[at]) / 1000;
  }
};

struct Duration {
  std::chrono::nanoseconds warm_up = std::chrono::milliseconds(100);
  std::chrono::nanoseconds measured = std::chrono::seconds(1);
  pid_t server = 0;  // 0 where there is none
};

// `threads` threads repeat `operation(thread)`: at least once to warm up, at least once measured.
// Each finishes what it has begun, and the clock stops with the last.
template <class Operation>
Measured repeat(std::size_t threads, const Duration& duration, Operation&& operation) {
  Measured result;
  SteadyClock::time_point start, end;
  std::chrono::nanoseconds own_cpu{}, server_cpu{};
  const auto begin_to_measure = [&]() noexcept {
    own_cpu = cpu_of(::getpid());
    if (duration.server != 0) server_cpu = cpu_of(duration.server);
    start = SteadyClock::now();
    end = start + duration.measured;
  };
  std::barrier warm(static_cast<std::ptrdiff_t>(threads), begin_to_measure);
  std::vector<std::vector<std::uint32_t>> latencies(threads);
  {
    std::vector<std::jthread> workers;
    for (std::size_t thread = 0; thread < threads; ++thread) {
      workers.emplace_back([&, thread] {
        const auto warm_until = SteadyClock::now() + duration.warm_up;
        do {
          operation(thread);
        } while (SteadyClock::now() < warm_until);
        warm.arrive_and_wait();
        auto before = SteadyClock::now();
        do {
          operation(thread);
          const auto after = SteadyClock::now();
          const auto nanoseconds = std::chrono::nanoseconds(after - before).count();
          latencies[thread].push_back(static_cast<std::uint32_t>(
              std::min<std::int64_t>(nanoseconds, std::int64_t{UINT32_MAX})));
          before = after;
        } while (before < end);
      });
    }
  }
  result.took = SteadyClock::now() - start;
  result.own_cpu = cpu_of(::getpid()) - own_cpu;
  if (duration.server != 0) result.server_cpu = cpu_of(duration.server) - server_cpu;
  for (const auto& of_thread : latencies) {
    result.latencies_ns.insert(result.latencies_ns.end(), of_thread.begin(), of_thread.end());
  }
  result.operations = result.latencies_ns.size();
  std::ranges::sort(result.latencies_ns);
  return result;
}

// One line of JSON. `units` is what one operation handles: documents, entries, or 1. `more` is
// further members, each with a comma before it.
inline void print(const Measured& measured, double units = 1, const std::string& more = "") {
  const double seconds = std::chrono::duration<double>(measured.took).count();
  const auto operations = static_cast<double>(measured.operations);
  const auto each_us = [&](std::chrono::nanoseconds cpu) {
    return std::chrono::duration<double, std::micro>(cpu).count() / operations;
  };
  std::printf("{\"operations\": %" PRIu64
              ", \"seconds\": %.4f, \"per_second\": %.3f, \"units_per_second\": %.3f, "
              "\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"client_cpu_us\": %.2f, "
              "\"server_cpu_us\": %.2f%s}\n",
              measured.operations, seconds, operations / seconds, units * operations / seconds,
              measured.percentile_us(0.5), measured.percentile_us(0.99), measured.percentile_us(1),
              each_us(measured.own_cpu), each_us(measured.server_cpu), more.c_str());
}

// `--name VALUE` pairs; a number where there is no such name is `otherwise`.
class Arguments {
  std::vector<std::string_view> words_;

 public:
  Arguments(int count, char** words) : words_(words + 1, words + count) {}
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise = "") const {
    for (std::size_t i = 0; i + 1 < words_.size(); ++i) {
      if (words_[i] == name) return std::string(words_[i + 1]);
    }
    return std::string(otherwise);
  }
  [[nodiscard]] double number(std::string_view name, double otherwise) const {
    const std::string found = text(name);
    return found.empty() ? otherwise : std::atof(found.c_str());
  }
  [[nodiscard]] std::size_t count(std::string_view name, std::size_t otherwise) const {
    return static_cast<std::size_t>(number(name, static_cast<double>(otherwise)));
  }
  [[nodiscard]] Duration duration() const {
    const auto seconds = [](double value) {
      return std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 * value));
    };
    return {.warm_up = seconds(number("--warm-up", 0.1)),
            .measured = seconds(number("--seconds", 1)),
            .server = static_cast<pid_t>(count("--server-pid", 0))};
  }
};

}  // namespace gesso::bench
