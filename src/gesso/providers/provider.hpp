// The one face of those who paint: what they are asked, and what they may answer. Each is a file of
// this room, and knows how its service says these things; when to ask is worker/'s affair.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gesso/client/call.hpp"
#include "gesso/domain/model_table.hpp"
#include "gesso/images/blob_store.hpp"
#include "gesso/models/generation.hpp"

namespace gesso::providers {

// Borrows.
struct Job {
  const models::Generation& generation;
  const domain::ModelEntry& model;
};

// It is at work; ask by that id, no sooner than `ask_again` from now.
struct Working {
  models::ForeignId id;
  std::chrono::milliseconds ask_again{0};
};
// Here they are.
struct Painted {
  std::vector<images::Blob> images;
};
// They are at these addresses, for a while.
struct Delivered {
  std::vector<models::Url> urls;
};
// It cannot be done, now or ever: moderation, an input that the model does not take, a model that
// is no more, an account without money. The reason is for the user.
struct Refused {
  std::string reason;
};
// It ended because somebody stopped it; `had_begun` where that work is to be paid for.
struct Stopped {
  bool had_begun = false;
  std::string reason;
};
// Not now, and nothing was begun: too many requests, a server's fault that says so.
struct Busy {
  std::optional<std::chrono::milliseconds> retry_after = {};
  std::string reason;
};
// Whether it was heard is not known.
struct NoAnswer {
  std::string reason;
};
// There is no such work.
struct Unknown {};

// Whether a provider has a model; `reason` says why that is not known.
enum class ModelState { kThere, kGone, kUnknown };
struct ModelAnswer {
  ModelState state = ModelState::kUnknown;
  std::string reason = {};
};

using Answer = std::variant<Working, Painted, Delivered, Refused, Stopped, Busy, NoAnswer, Unknown>;

// Implementations are thread-safe and block; none throws for what a service answers.
class Provider {
 public:
  Provider() = default;
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;
  virtual ~Provider() = default;

  [[nodiscard]] virtual domain::ProviderKind kind() const = 0;
  // Generations at once.
  [[nodiscard]] virtual std::size_t parallel() const = 0;
  // Whether `begin` takes as long as the painting does; else it answers Working soon.
  [[nodiscard]] virtual bool blocks() const = 0;
  // Whether to ask twice costs nothing and gives the same.
  [[nodiscard]] virtual bool is_free() const { return false; }
  // Whether `find` can tell what became of a request whose answer was lost.
  [[nodiscard]] virtual bool remembers() const { return false; }

  [[nodiscard]] virtual Answer begin(const Job& job, const client::Call& call) = 0;
  // What an earlier `begin` for this generation came to: Working, or Unknown.
  [[nodiscard]] virtual Answer find(const Job& job, const client::Call& call) {
    (void)job, (void)call;
    return Unknown{};
  }
  [[nodiscard]] virtual Answer poll(const models::ForeignId& id, const client::Call& call) {
    (void)id, (void)call;
    return Unknown{};
  }
  // Whether the provider still has the model, without using it: nothing is paid for.
  [[nodiscard]] virtual ModelAnswer look_up(const domain::ModelEntry& model,
                                            const client::Call& call) = 0;
  // Asks it to stop, and answers as `poll`.
  [[nodiscard]] virtual Answer cancel(const models::ForeignId& id, const client::Call& call) {
    (void)id, (void)call;
    return Unknown{};
  }
};

}  // namespace gesso::providers
