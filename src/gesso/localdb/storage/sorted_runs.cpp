#include "gesso/localdb/storage/sorted_runs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gesso/base/error.hpp"

namespace gesso::localdb {
namespace {

using KeyLength = std::uint16_t;  // keys have 499 bytes at most

constexpr std::size_t kReadBytes = std::size_t{256} << 10;

[[noreturn]] void throw_system(const char* doing) {
  throw Error(ErrorKind::kInternal, std::string("localdb: an index is built, ") + doing +
                                        " a temporary file: " + std::strerror(errno));
}

int open_unnamed(const std::filesystem::path& folder) {
  int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  // Some file systems have none without a name.
  std::string name = (folder / "build.XXXXXX").string();
  file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) throw_system("making");
  ::unlink(name.c_str());
  return file;
}

std::string_view key_at(const char* entry) {
  KeyLength length = 0;
  std::memcpy(&length, entry, sizeof length);
  return {entry + sizeof length, length};
}

RecordId record_behind(std::string_view key) {
  RecordId record = 0;
  std::memcpy(&record, key.data() + key.size(), sizeof record);
  return record;
}

std::size_t entry_bytes(std::string_view key) {
  return sizeof(KeyLength) + key.size() + sizeof(RecordId);
}

}  // namespace

SortedRuns::~SortedRuns() {
  if (file_ >= 0) ::close(file_);
}

void SortedRuns::add(std::string_view key, RecordId record) {
  if (bytes_.size() + entry_bytes(key) + (places_.size() + 1) * sizeof(std::uint64_t) >
          memory_bytes_ &&
      !places_.empty()) {
    spill();
  }
  places_.push_back(bytes_.size());
  const auto length = static_cast<KeyLength>(key.size());
  bytes_.append(reinterpret_cast<const char*>(&length), sizeof length);
  bytes_.append(key);
  bytes_.append(reinterpret_cast<const char*>(&record), sizeof record);
}

void SortedRuns::sort_memory() {
  const auto before = [this](std::uint64_t left, std::uint64_t right) {
    const std::string_view left_key = key_at(bytes_.data() + left);
    const std::string_view right_key = key_at(bytes_.data() + right);
    const int order = left_key.compare(right_key);
    return order != 0 ? order < 0 : record_behind(left_key) < record_behind(right_key);
  };
  std::sort(places_.begin(), places_.end(), before);
}

void SortedRuns::spill() {
  if (file_ < 0) file_ = open_unnamed(folder_);
  sort_memory();
  Run run{.at = file_bytes_, .end = file_bytes_ + bytes_.size()};
  std::string buffer;
  const auto write_buffer = [&] {
    for (std::size_t done = 0; done < buffer.size();) {
      const ssize_t wrote = ::pwrite(file_, buffer.data() + done, buffer.size() - done,
                                     static_cast<off_t>(file_bytes_));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) throw_system("writing");
      done += static_cast<std::size_t>(wrote);
      file_bytes_ += static_cast<std::uint64_t>(wrote);
    }
    buffer.clear();
  };
  for (const std::uint64_t place : places_) {
    const char* const entry = bytes_.data() + place;
    buffer.append(entry, entry_bytes(key_at(entry)));
    if (buffer.size() >= kReadBytes) write_buffer();
  }
  write_buffer();
  runs_.push_back(std::move(run));
  bytes_.clear();
  places_.clear();
}

// To the next entry of the run; false at its end.
bool SortedRuns::advance(Run& run) {
  const std::size_t left = run.buffer.size() - run.next;
  const auto is_whole = [&] {
    return left >= sizeof(KeyLength) && left >= entry_bytes(key_at(run.buffer.data() + run.next));
  };
  if (!is_whole()) {
    if (run.at == run.end) return false;
    run.buffer.erase(0, run.next);
    run.next = 0;
    const std::size_t more = std::min<std::uint64_t>(kReadBytes, run.end - run.at);
    run.buffer.resize(left + more);
    for (std::size_t done = 0; done < more;) {
      const ssize_t got =
          ::pread(file_, run.buffer.data() + left + done, more - done, static_cast<off_t>(run.at));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) throw_system("reading");
      done += static_cast<std::size_t>(got);
      run.at += static_cast<std::uint64_t>(got);
    }
  }
  run.key = key_at(run.buffer.data() + run.next);
  run.record = record_behind(run.key);
  run.next += entry_bytes(run.key);
  return true;
}

namespace {

// For a heap whose front is the smallest.
constexpr auto kBehind = [](const auto* left, const auto* right) {
  const int order = left->key.compare(right->key);
  return order != 0 ? order > 0 : left->record > right->record;
};

}  // namespace

void SortedRuns::sort() {
  if (runs_.empty()) {
    sort_memory();
    return;
  }
  if (!places_.empty()) spill();
  bytes_.shrink_to_fit();
  places_.shrink_to_fit();
  for (Run& run : runs_) {
    if (advance(run)) heap_.push_back(&run);
  }
  std::make_heap(heap_.begin(), heap_.end(), kBehind);
}

bool SortedRuns::next() {
  if (runs_.empty()) {
    if (next_place_ == places_.size()) return false;
    key_ = key_at(bytes_.data() + places_[next_place_++]);
    record_ = record_behind(key_);
    return true;
  }
  // The run that gave the entry before moves on only now: its key had to stay valid.
  if (!heap_.empty() && record_ != 0) {
    std::pop_heap(heap_.begin(), heap_.end(), kBehind);
    if (advance(*heap_.back())) {
      std::push_heap(heap_.begin(), heap_.end(), kBehind);
    } else {
      heap_.pop_back();
    }
  }
  if (heap_.empty()) return false;
  key_ = heap_.front()->key;
  record_ = heap_.front()->record;
  return true;
}

}  // namespace gesso::localdb
