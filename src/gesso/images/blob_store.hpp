// Where images are kept: files by name, in a folder of this machine (local_blob_store.hpp) or in
// Azure Blob Storage (azure/blob_store.hpp).
//
// A name is slashes and segments of letters, digits, "-", "_" and ".", of which none begins with a
// dot: "generations/gen_01J.../0.png". What is under a name is written once and does not change, so
// to write it again is harmless: whoever comes second is told that it is there.
//
// Documents hold a blob's address, which stays the same and opens nothing. Whoever may see the
// image is given a link made of it, which anybody can open until it expires.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/client/call.hpp"

namespace gesso::images {

enum class PutOutcome {
  kCreated,
  kThere,  // something was under that name, and still is
};

struct Blob {
  std::string bytes;
  std::string type;  // "image/png"
};

struct StoredBlob {
  std::string name;
  Time written_at;
  std::uint64_t size = 0;
};

// Whether a text can be a blob's name here. At most 512 bytes.
[[nodiscard]] bool is_blob_name(std::string_view text) noexcept;

// Implementations are thread-safe; all but `address`, `name_at` and `link` block, and throw Error:
// kUnavailable and kTimeout where the store was not reached (retryable() says whether another
// attempt may help), kAuth where it refuses us, kValidation for a name that is none.
class BlobStore {
 public:
  BlobStore() = default;
  BlobStore(const BlobStore&) = delete;
  BlobStore& operator=(const BlobStore&) = delete;
  virtual ~BlobStore() = default;

  // Durable once it returns.
  [[nodiscard]] virtual PutOutcome put(std::string_view name, const Blob& blob,
                                       const client::Call& call) = 0;
  // The same for what is at a URL of somebody else's. Throws kConflict, not to be retried, where
  // there is nothing to be had.
  [[nodiscard]] virtual PutOutcome copy(std::string_view name, const std::string& url,
                                        const client::Call& call) = 0;
  // std::nullopt where there is none.
  [[nodiscard]] virtual std::optional<Blob> get(std::string_view name,
                                                const client::Call& call) = 0;
  // That there is none is no error.
  virtual void remove(std::string_view name, const client::Call& call) = 0;
  // Those whose name begins with `prefix` and comes after `after`, by name; at most `limit` at a
  // time, or some more.
  [[nodiscard]] virtual std::vector<StoredBlob> list(std::string_view prefix,
                                                     std::string_view after, std::size_t limit,
                                                     const client::Call& call) = 0;

  // What documents hold. REQUIRES: is_blob_name(name).
  [[nodiscard]] virtual std::string address(std::string_view name) const = 0;
  // The name of a blob of this store; std::nullopt for an address of anybody else's.
  [[nodiscard]] virtual std::optional<std::string> name_at(std::string_view address) const = 0;
  // Gets what links are made with, and keeps it good from then on. Called once, by who shows links.
  // Where it throws it has begun all the same, and goes on trying.
  virtual void prepare_links(const client::Call&) {}
  // Good from `now` on for as long as the store was told, where links are prepared. Asks nobody and
  // does not block.
  [[nodiscard]] virtual std::string link(std::string_view name, Time now) = 0;
};

}  // namespace gesso::images
