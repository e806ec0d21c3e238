// Keeps tokens: callers get the one that is held, and the next one is fetched in the background
// from half of its life on, long before anybody needs it.
//
// The old token serves until it ends; a refresh that fails is tried again and nobody notices. One
// fetch at a time for each resource and tenant, however many callers want it. (Azure's SDK for C++
// refreshes only when somebody asks, in that caller's time, and its waits cannot be cancelled.)
//
// Thread-safe. Owns its source and a thread for each resource and tenant that was asked for, of
// which a program has one or two; its destructor ends what they do at once. Borrows the clock and
// the randomness, which must outlive it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "gesso/azure/token.hpp"
#include "gesso/azure/token_fsm.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"

namespace gesso::azure {

class TokenCache final : public TokenProvider {
 public:
  struct Options {
    TokenFsm::Options timing = {};
    // The limit of one fetch with all its attempts: the metadata service may be gone for 70 s.
    std::chrono::milliseconds fetch_limit{120'000};
  };

 private:
  struct Entry;
  std::unique_ptr<TokenProvider> source_;
  const Clock& clock_;
  Random& random_;
  const Options options_;
  std::mutex mutex_;  // guards entries_ and all that is in them
  // Keyed by resource and tenant. The last member, so that the entries' threads end before what
  // they use.
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Entry>> entries_;

  Entry& entry_for(const TokenRequest& request);
  void work(Entry& entry, const std::stop_token& stop);
  void fetch(Entry& entry, std::unique_lock<std::mutex>& lock, const std::stop_token& stop);

 public:
  TokenCache(std::unique_ptr<TokenProvider> source, const Clock& clock, Random& random)
      : TokenCache(std::move(source), clock, random, Options{}) {}
  TokenCache(std::unique_ptr<TokenProvider> source, const Clock& clock, Random& random,
             Options options);
  ~TokenCache() override;

  // Blocks only while there is no token to serve, or for a `fresh` one, and at most until the call
  // ends. Soon after a failure the next callers get that failure again, and a token that
  // replaced a refused one is not replaced within its first minute: neither is a way to hammer the
  // source.
  [[nodiscard]] AccessToken token(const TokenRequest& request, const client::Call& call) override;
  [[nodiscard]] std::string name() const override { return source_->name(); }
};

}  // namespace gesso::azure
