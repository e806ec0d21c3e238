#include "gesso/localdb/storage/environment.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "gesso/base/error.hpp"
#include "gesso/localdb/storage/storage_error.hpp"

namespace gesso::localdb {
namespace {

constexpr std::uint32_t kFormat = 1;
constexpr std::string_view kFormatKey = "format";
constexpr std::uint64_t kSmallestMap = std::uint64_t{1} << 30;
constexpr unsigned kMaxReaders = 4096;  // 64 bytes each in the lock file
constexpr std::array<const char*, kTableCount> kTableNames{"catalog", "counters", "records",
                                                           "entries"};

[[noreturn]] void throw_system(const std::string& doing, int error) {
  throw Error(ErrorKind::kInternal, "localdb: " + doing + ": " + std::strerror(error));
}

std::uint64_t whole_pages(std::uint64_t bytes) {
  constexpr std::uint64_t kPage = 4096;
  return (bytes + kPage - 1) / kPage * kPage;
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) throw_system("make the folder " + folder.string(), failure.value());
}

}  // namespace

void throw_lmdb(int result, std::string_view doing) {
  if (result == MDB_MAP_FULL) {
    throw StorageError(StorageFault::kNoRoom, "the data folder has reached the size of its map");
  }
  std::string why = mdb_strerror(result);
  if (result == MDB_READERS_FULL) why = "too many readers at once";
  // LMDB says EIO for a write that the disk took only in part.
  if (result == EIO || result == EFBIG) why += " (is the disk full?)";
  throw Error(ErrorKind::kInternal, "localdb: " + std::string(doing) + ": " + why);
}

// A lock of the open file description: it goes with the process however that ends.
Environment::FolderLock::FolderLock(const std::filesystem::path& folder) {
  make_folder(folder);
  const std::filesystem::path path = folder / "gesso.lock";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0) throw_system("open " + path.string(), errno);
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    std::array<char, 32> holder{};
    const ssize_t length = ::read(fd_, holder.data(), holder.size() - 1);
    ::close(fd_);
    if (error != EWOULDBLOCK) throw_system("lock " + path.string(), error);
    std::string message = "the data folder " + folder.string() + " is in use by another process";
    if (length > 0) message += " (pid " + std::string(holder.data()) + ")";
    throw Error(ErrorKind::kConflict, message);
  }
  const std::string pid = std::to_string(::getpid());
  // For the message above only; a failure to write it harms nothing.
  if (::ftruncate(fd_, 0) == 0) static_cast<void>(!::pwrite(fd_, pid.data(), pid.size(), 0));
}

Environment::FolderLock::~FolderLock() { ::close(fd_); }

Environment::Environment(const std::filesystem::path& folder, std::uint64_t map_bytes,
                         IndexReader reader)
    : lock_(folder), read_index_(reader) {
  const auto open = [&](std::uint64_t bytes) {
    MDB_env* env = nullptr;
    check_lmdb(mdb_env_create(&env), "make the environment");
    env_.reset(env);
    check_lmdb(mdb_env_set_maxdbs(env, kTableCount), "set the number of tables");
    check_lmdb(mdb_env_set_maxreaders(env, kMaxReaders), "set the number of readers");
    check_lmdb(mdb_env_set_mapsize(env, bytes), "set the map's size");
    return mdb_env_open(env, folder.c_str(), MDB_NOTLS, 0600);
  };
  int result = open(whole_pages(map_bytes));
  // The map cannot grow under its readers, so it is as large as address space allows. valgrind says
  // EINVAL of a map that is too large for it.
  const auto is_too_large = [](int error) { return error == ENOMEM || error == EINVAL; };
  for (std::uint64_t bytes = map_bytes / 4; is_too_large(result) && bytes >= kSmallestMap;
       bytes /= 4) {
    result = open(whole_pages(bytes));
  }
  if (result == ENOMEM) {
    throw Error(ErrorKind::kInternal, "localdb: there is not enough address space to map " +
                                          folder.string() + " (see `ulimit -v`)");
  }
  if (result == MDB_INVALID || result == MDB_VERSION_MISMATCH) {
    throw Error(ErrorKind::kValidation,
                folder.string() +
                    " holds a data.mdb that this version cannot read: " + mdb_strerror(result));
  }
  check_lmdb(result, "open the data folder " + folder.string());

  MDB_txn* txn = nullptr;
  check_lmdb(mdb_txn_begin(env_.get(), nullptr, 0, &txn), "begin a transaction");
  try {
    for (unsigned i = 0; i < kTableCount; ++i) {
      check_lmdb(mdb_dbi_open(txn, kTableNames[i], MDB_CREATE, &tables_[i]), "open a table");
    }
    MDB_val key{.mv_size = kFormatKey.size(), .mv_data = const_cast<char*>(kFormatKey.data())};
    MDB_val value{};
    result = mdb_get(txn, tables_[kCatalogTable], &key, &value);
    if (result == MDB_NOTFOUND) {
      std::uint32_t format = kFormat;
      value = {.mv_size = sizeof format, .mv_data = &format};
      check_lmdb(mdb_put(txn, tables_[kCatalogTable], &key, &value, 0), "write the format");
    } else {
      check_lmdb(result, "read the format");
      std::uint32_t format = 0;
      std::memcpy(&format, value.mv_data, std::min(sizeof format, value.mv_size));
      if (format > kFormat) {
        throw Error(ErrorKind::kValidation,
                    "the data folder " + folder.string() + " has format " + std::to_string(format) +
                        ", written by a newer version; this one reads " + std::to_string(kFormat));
      }
    }
  } catch (...) {
    mdb_txn_abort(txn);
    throw;
  }
  check_lmdb(mdb_txn_commit(txn), "commit the format");
}

std::uint64_t Environment::map_bytes() const {
  MDB_envinfo info{};
  mdb_env_info(env_.get(), &info);
  return info.me_mapsize;
}

std::uint64_t Environment::used_bytes() const {
  MDB_envinfo info{};
  mdb_env_info(env_.get(), &info);
  return (info.me_last_pgno + 1) * page_bytes();
}

std::uint32_t Environment::page_bytes() const {
  MDB_stat stat{};
  mdb_env_stat(env_.get(), &stat);
  return stat.ms_psize;
}

}  // namespace gesso::localdb
