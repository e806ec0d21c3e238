// Sorting in memory.
#include <algorithm>

#include "gesso/localdb/language/aggregate/stages.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Value;
using bson::View;

class SortSource final : public DocumentSource {
  struct Entry {
    bson::Document document;
    std::vector<Value> keys;  // borrowed from the document
    std::size_t arrival = 0;  // ties stay in the order they came
  };

  SourcePtr input_;  // null when all is read
  SortSpec spec_;
  std::size_t keep_;
  const PipelineContext& context_;
  std::vector<Entry> entries_;  // while reading, with a limit: a heap, the last on top
  std::size_t bytes_ = 0;
  std::size_t next_ = 0;

 public:
  SortSource(SourcePtr input, SortSpec spec, std::optional<std::int64_t> limit,
             const PipelineContext& context)
      : input_(std::move(input)),
        spec_(std::move(spec)),
        keep_(limit ? static_cast<std::size_t>(std::max<std::int64_t>(0, *limit)) : SIZE_MAX),
        context_(context) {}

  std::optional<View> next() override {
    if (input_) {
      read();
      input_.reset();
      std::ranges::sort(entries_, before());
    }
    if (next_ == entries_.size()) return std::nullopt;
    return entries_[next_++].document.view();
  }

 private:
  struct Before {
    const SortSpec& spec;
    bool operator()(const Entry& left, const Entry& right) const {
      const int order = spec.compare_keys(left.keys, right.keys);
      return order != 0 ? order < 0 : left.arrival < right.arrival;
    }
  };
  Before before() const { return {spec_}; }

  void read() {
    std::vector<Value> keys;
    std::size_t arrival = 0;
    while (const auto document = input_->next()) {
      charge_document(*document);
      ++arrival;
      if (keep_ == 0) continue;
      if (entries_.size() < keep_) {
        entries_.push_back(make_entry(*document, arrival));
        if (keep_ != SIZE_MAX) std::ranges::push_heap(entries_, before());
        continue;
      }
      spec_.extract(*document, keys);
      if (spec_.compare_keys(keys, entries_.front().keys) >= 0) continue;
      std::ranges::pop_heap(entries_, before());
      bytes_ -= cost(entries_.back());
      entries_.back() = make_entry(*document, arrival);
      std::ranges::push_heap(entries_, before());
    }
  }

  static std::size_t cost(const Entry& entry) {
    return entry.document.size() + entry.keys.size() * sizeof(Value) + sizeof(Entry);
  }

  Entry make_entry(View document, std::size_t arrival) {
    Entry entry{.document = bson::Document(document), .keys = {}, .arrival = arrival};
    entry.keys.reserve(spec_.keys().size());
    spec_.extract(entry.document, entry.keys);
    bytes_ += cost(entry);
    if (bytes_ > context_.memory_limit) {
      throw CommandError(ErrorCode::kQueryExceededMemoryLimit,
                         "Sort exceeded memory limit of " + std::to_string(context_.memory_limit) +
                             " bytes, but did not opt in to external sorting.");
    }
    return entry;
  }
};

}  // namespace

SourcePtr open_sort(SourcePtr input, SortSpec spec, std::optional<std::int64_t> limit,
                    const PipelineContext& context) {
  return std::make_unique<SortSource>(std::move(input), std::move(spec), limit, context);
}

}  // namespace gesso::localdb
