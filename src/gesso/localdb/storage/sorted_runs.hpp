// Sorts more index entries than memory is to hold: sorted runs in a temporary file, merged.
//
//   SortedRuns entries(folder, 64 << 20);
//   for (...) entries.add(key, record);
//   entries.sort();
//   while (entries.next()) use(entries.key(), entries.record());
//
// Private to storage/. Used by one thread at a time; blocks on the disk where it spills. The file
// has no name, so nothing is left of it whatever ends the process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/localdb/storage/catalog.hpp"

namespace gesso::localdb {

class SortedRuns {
  struct Run {
    std::uint64_t at = 0, end = 0;  // what is still to be read of it, in the file
    std::string buffer = {};
    std::size_t next = 0;  // within the buffer
    std::string_view key = {};
    RecordId record = 0;
  };

  std::filesystem::path folder_;
  std::size_t memory_bytes_;
  std::string bytes_;                  // entries one behind the other: length, key, record
  std::vector<std::uint64_t> places_;  // of the entries in `bytes_`
  int file_ = -1;
  std::uint64_t file_bytes_ = 0;
  std::vector<Run> runs_;
  std::vector<Run*> heap_;      // the smallest at the front
  std::size_t next_place_ = 0;  // where all is in memory
  std::string_view key_;
  RecordId record_ = 0;

 public:
  SortedRuns(std::filesystem::path folder, std::size_t memory_bytes)
      : folder_(std::move(folder)), memory_bytes_(memory_bytes) {}
  SortedRuns(const SortedRuns&) = delete;
  SortedRuns& operator=(const SortedRuns&) = delete;
  ~SortedRuns();

  // Throws Error (kInternal) for what the disk says. REQUIRES: `sort` was not called yet.
  void add(std::string_view key, RecordId record);
  void sort();
  // To the next entry, by key and then by record; false at the end. REQUIRES: `sort` was called.
  bool next();
  [[nodiscard]] std::string_view key() const { return key_; }  // until the next `next`
  [[nodiscard]] RecordId record() const { return record_; }
  // How many runs stand in the file.
  [[nodiscard]] std::size_t spilled() const { return runs_.size(); }

 private:
  void sort_memory();
  void spill();
  bool advance(Run& run);
};

}  // namespace gesso::localdb
