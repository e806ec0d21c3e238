#include "gesso/images/local_blob_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "gesso/base/error.hpp"
#include "gesso/images/raster.hpp"

namespace gesso::images {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kUnfinished = ".unfinished-";

Error disk_error(const fs::path& path, const std::string& doing, int code) {
  const bool is_full = code == ENOSPC || code == EDQUOT;
  return {ErrorKind::kUnavailable,
          path.string() + ": cannot " + doing + ": " + std::strerror(code),
          {.retryable = is_full || code == EINTR || code == EIO || code == EMFILE}};
}

void require_name(std::string_view name) {
  if (is_blob_name(name)) return;
  throw Error(ErrorKind::kValidation,
              "expected a blob's name, found \"" + std::string(name) + "\"");
}

class File {
  int descriptor_;

 public:
  File(const fs::path& path, int flags) : descriptor_(open(path.c_str(), flags | O_CLOEXEC, 0640)) {
    if (descriptor_ < 0) throw disk_error(path, "open it", errno);
  }
  ~File() { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }
};

void sync_folder(const fs::path& folder) {
  const File file(folder, O_RDONLY | O_DIRECTORY);
  if (fsync(file.get()) != 0) throw disk_error(folder, "make it durable", errno);
}

// Makes the folder and those above it, down from `root`, and makes that durable.
void make_folder(const fs::path& root, const fs::path& folder) {
  if (fs::exists(folder)) return;
  if (folder != root) make_folder(root, folder.parent_path());
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw disk_error(folder, "make it", error.value());
  sync_folder(folder.parent_path());
}

void write_durably(const fs::path& path, std::string_view bytes) {
  const File file(path, O_WRONLY | O_CREAT | O_EXCL);
  while (!bytes.empty()) {
    const ssize_t written = write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw disk_error(path, "write to it", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fdatasync(file.get()) != 0) throw disk_error(path, "make it durable", errno);
}

// A name that nobody else uses at this moment, in whatever process.
fs::path unfinished(const fs::path& path) {
  static std::atomic<std::uint64_t> count{0};
  return path.parent_path() / (std::string(kUnfinished) + std::to_string(getpid()) + "-" +
                               std::to_string(++count) + "-" + path.filename().string());
}

// Gone once it ends, whatever happens.
struct Unfinished {
  fs::path path;
  ~Unfinished() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
};

Time modified_at(const fs::path& path, std::uint64_t& size) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  size = static_cast<std::uint64_t>(status.st_size);
  return Time(std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::seconds(status.st_mtim.tv_sec) +
      std::chrono::nanoseconds(status.st_mtim.tv_nsec)));
}

// The entries of a folder in the order of their blobs' names, folders with a slash at the end; none
// where there is no such folder.
std::set<std::string> entries_of(const fs::path& folder) {
  std::set<std::string> entries;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    entries.insert(entry.path().filename().string() + (entry.is_directory(ignored) ? "/" : ""));
  }
  return entries;
}

// Adds what is below `folder`, whose blobs' names begin with `within`, to `found`.
void collect(const fs::path& folder, const std::string& within, std::string_view prefix,
             std::string_view after, std::size_t limit, std::vector<StoredBlob>& found) {
  for (const std::string& entry : entries_of(folder)) {
    if (found.size() >= limit) return;
    const std::string name = within + entry;
    if (entry.ends_with('/')) {
      const std::size_t common = std::min(name.size(), prefix.size());
      if (name.substr(0, common) != prefix.substr(0, common)) continue;
      if (name < after.substr(0, name.size())) continue;  // all of it comes before
      collect(folder / entry, name, prefix, after, limit, found);
    } else if (name.starts_with(prefix) && name > after) {
      StoredBlob blob{.name = name, .written_at = {}};
      blob.written_at = modified_at(folder / entry, blob.size);
      found.push_back(std::move(blob));
    }
  }
}

}  // namespace

LocalBlobStore::LocalBlobStore(LocalBlobStoreOptions options, const SignedLinks& links,
                               client::HttpClient* client)
    : options_(std::move(options)), links_(links), client_(client) {}

fs::path LocalBlobStore::path_of(std::string_view name) const { return options_.folder / name; }

PutOutcome LocalBlobStore::put(std::string_view name, const Blob& blob, const client::Call& call) {
  require_name(name);
  client::check(call, "writing an image");
  const fs::path path = path_of(name);
  for (int attempt = 0;; ++attempt) {
    try {
      make_folder(options_.folder, path.parent_path());
      const Unfinished file{unfinished(path)};
      write_durably(file.path, blob.bytes);
      if (::link(file.path.c_str(), path.c_str()) != 0) {
        if (errno == EEXIST) return PutOutcome::kThere;
        throw disk_error(path, "give a file that name", errno);
      }
      sync_folder(path.parent_path());
      return PutOutcome::kCreated;
    } catch (const Error&) {
      // Somebody has removed the folder, which was empty, between two of these steps.
      if (attempt > 2 || fs::exists(path.parent_path())) throw;
    }
  }
}

PutOutcome LocalBlobStore::copy(std::string_view name, const std::string& url,
                                const client::Call& call) {
  require_name(name);
  if (fs::exists(path_of(name))) return PutOutcome::kThere;
  if (client_ == nullptr) {
    throw Error(ErrorKind::kConflict, "no image is fetched from elsewhere here");
  }
  const client::HttpResponse reply = client_->send({.url = url}, call);
  if (reply.status != 200) {
    const bool may_pass = reply.status == 429 || reply.status >= 500;
    throw Error(may_pass ? ErrorKind::kUnavailable : ErrorKind::kConflict,
                "an image was to be fetched: its server answers " + std::to_string(reply.status),
                {.retryable = may_pass});
  }
  return put(name, {.bytes = std::string(reply.body.reveal()), .type = {}}, call);
}

std::optional<Blob> LocalBlobStore::get(std::string_view name, const client::Call& call) {
  require_name(name);
  client::check(call, "reading an image");
  std::ifstream file(path_of(name), std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  Blob blob{.bytes = std::move(text).str(), .type = {}};
  blob.type = media_type(format_of(blob.bytes));
  return blob;
}

void LocalBlobStore::remove(std::string_view name, const client::Call& call) {
  client::check(call, "removing an image");
  const bool is_left_over = name.find(kUnfinished) != std::string_view::npos &&
                            name.find("..") == std::string_view::npos && name.front() != '/';
  if (!is_left_over) require_name(name);
  fs::path path = path_of(name);
  if (unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
    throw disk_error(path, "remove it", errno);
  }
  // And the folders that nothing is left in.
  for (path = path.parent_path(); path != options_.folder; path = path.parent_path()) {
    if (rmdir(path.c_str()) != 0) break;
  }
}

std::vector<StoredBlob> LocalBlobStore::list(std::string_view prefix, std::string_view after,
                                             std::size_t limit, const client::Call& call) {
  client::check(call, "listing images");
  std::vector<StoredBlob> found;
  // From the prefix's own folder on: there may be a million beside it.
  const std::string within(prefix.substr(0, prefix.rfind('/') + 1));
  if (within.find("..") != std::string::npos || within.starts_with('/')) return found;
  collect(options_.folder / within, within, prefix, after, limit, found);
  return found;
}

std::string LocalBlobStore::address(std::string_view name) const {
  return std::string(kLocalPath) + std::string(name);
}

std::optional<std::string> LocalBlobStore::name_at(std::string_view address) const {
  if (!address.starts_with(kLocalPath)) return std::nullopt;
  address.remove_prefix(kLocalPath.size());
  if (!is_blob_name(address)) return std::nullopt;
  return std::string(address);
}

std::string LocalBlobStore::link(std::string_view name, Time now) {
  return options_.origin() + links_.sign(address(name), now);
}

}  // namespace gesso::images
