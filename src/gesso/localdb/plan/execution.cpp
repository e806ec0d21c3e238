#include "gesso/localdb/plan/execution.hpp"

#include <algorithm>
#include <vector>

#include "gesso/base/meter.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/plan/explain.hpp"
#include "gesso/localdb/plan/scanner.hpp"

namespace gesso::localdb {
namespace {

constexpr std::size_t kRowCost = 64;  // to the meter, beside the document

}  // namespace

class Execution::Impl {
  // What a blocking sort keeps of a document. The keys borrow from the bytes, which stay where they
  // are when the item moves.
  struct Sorted {
    RecordId id = 0;
    bson::Document document;
    std::vector<bson::Value> keys;
    std::uint64_t place = 0;  // in the order of the scan, which settles draws
  };

  const Plan plan_;  // the scanners borrow its scans
  ExecutionOptions options_;
  ExecutionStats stats_;
  std::vector<Scanner> scanners_;
  std::size_t current_ = 0;
  const Transaction* transaction_ = nullptr;
  CollectionPtr collection_;  // as it is in this transaction
  std::uint64_t to_skip_;
  std::uint64_t left_;  // of the limit; ~0 for none

  bool is_sorted_ = false;
  std::vector<Sorted> sorted_;
  std::size_t next_sorted_ = 0;
  std::size_t memory_ = 0;  // of `sorted_`

  std::optional<Record> last_;
  bool pushed_back_ = false;

 public:
  Impl(Plan plan, ExecutionOptions options)
      : plan_(std::move(plan)),
        options_(std::move(options)),
        to_skip_(plan_.skip),
        left_(plan_.limit == 0 ? ~std::uint64_t{0} : plan_.limit) {
    scanners_.reserve(plan_.scans.size());
    for (const Scan& scan : plan_.scans) scanners_.emplace_back(scan);
  }

  [[nodiscard]] Watch* watch() const { return options_.watch.get(); }
  [[nodiscard]] std::size_t memory() const { return memory_; }
  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] const ExecutionStats& stats() const { return stats_; }

  void attach(const Transaction& transaction) {
    transaction_ = &transaction;
    if (is_sorted_) return;  // all that is left is at hand
    collection_ = transaction.catalog().find(plan_.collection->id);
    if (!collection_) {
      throw CommandError(ErrorCode::kQueryPlanKilled,
                         "query plan killed :: collection dropped: " + plan_.collection->ns());
    }
    for (Scanner& scanner : scanners_) scanner.attach(transaction, collection_);
    if (pushed_back_) {
      const std::optional<bson::View> document = transaction.get(*collection_, last_->id);
      const std::optional<bson::View> seen = document ? see(*document) : std::nullopt;
      pushed_back_ = seen.has_value();
      if (seen) last_->document = *seen;
      // One that is gone has not used up the limit.
      if (!seen && left_ != ~std::uint64_t{0}) ++left_;
    }
  }

  void detach() {
    for (Scanner& scanner : scanners_) scanner.detach();
    transaction_ = nullptr;
  }

  std::optional<Record> next() {
    if (pushed_back_) {
      pushed_back_ = false;
      count_given();
      return last_;
    }
    if (left_ == 0) return std::nullopt;
    if (!plan_.sort.empty() && !is_sorted_) sort_all();
    for (;;) {
      last_ = is_sorted_ ? next_of_sorted() : next_match();
      if (!last_) return std::nullopt;
      if (to_skip_ == 0) break;
      --to_skip_;
    }
    if (left_ != ~std::uint64_t{0}) --left_;
    count_given();
    return last_;
  }

  void push_back() {
    pushed_back_ = true;
    --stats_.returned;
    if (options_.watch) options_.watch->taken_back(last_->document);
  }

 private:
  void count_given() {
    ++stats_.returned;
    if (options_.watch) options_.watch->given(last_->document);
  }

  // What the query sees of a stored document.
  [[nodiscard]] std::optional<bson::View> see(bson::View stored) const {
    return options_.watch ? options_.watch->examine(stored) : stored;
  }

  std::optional<Record> next_match() {
    for (; current_ < scanners_.size(); ++current_) {
      Scanner& scanner = scanners_[current_];
      while (scanner.advance(stats_.keys_examined)) {
        const bson::View stored = scanner.fetch();
        charge(kRowCost + stored.size() / 4);
        ++stats_.docs_examined;
        const std::optional<bson::View> seen = see(stored);
        if (!seen) continue;
        const bson::View document = *seen;
        if (plan_.needs_filter && !plan_.filter->matches(document)) continue;
        if (!is_first_sight(scanner, document)) continue;
        return Record{.id = scanner.record(), .document = document};
      }
    }
    return std::nullopt;
  }

  // Whether this is the first entry of the document, in the first branch of an `$or` that it
  // matches. Told from the document alone, so that nothing has to be remembered.
  [[nodiscard]] bool is_first_sight(const Scanner& scanner, bson::View document) const {
    if (!scanner.is_first_of(document)) return false;
    if (plan_.scans.size() == 1) return true;
    const auto first = std::find_if(plan_.scans.begin(), plan_.scans.end(), [&](const Scan& scan) {
      return scan.filter->matches(document);
    });
    return first == plan_.scans.begin() + static_cast<std::ptrdiff_t>(current_);
  }

  [[nodiscard]] bool before(const Sorted& left, const Sorted& right) const {
    const int order = plan_.sort.compare_keys(left.keys, right.keys);
    return order != 0 ? order < 0 : left.place < right.place;
  }

  // With a limit, a heap of so many: its top is the one to go when a better one comes.
  void sort_all() {
    const auto comes_before = [this](const Sorted& left, const Sorted& right) {
      return before(left, right);
    };
    const std::uint64_t wanted = plan_.limit == 0 ? ~std::uint64_t{0} : plan_.skip + plan_.limit;
    Sorted item;
    while (const std::optional<Record> record = next_match()) {
      plan_.sort.extract(record->document, item.keys);
      ++item.place;
      if (sorted_.size() == wanted) {
        if (!before(item, sorted_.front())) continue;
        std::pop_heap(sorted_.begin(), sorted_.end(), comes_before);
        memory_ -= kept_size(sorted_.back());
        sorted_.pop_back();
      }
      Sorted& kept = sorted_.emplace_back();
      kept.id = record->id;
      kept.document = bson::Document(record->document);
      kept.place = item.place;
      plan_.sort.extract(kept.document, kept.keys);
      if (plan_.limit != 0) std::push_heap(sorted_.begin(), sorted_.end(), comes_before);
      memory_ += kept_size(sorted_.back());
      if (memory_ > options_.sort_memory_bytes) throw_too_large();
    }
    std::sort(sorted_.begin(), sorted_.end(), comes_before);
    is_sorted_ = true;
  }

  static std::size_t kept_size(const Sorted& item) {
    return sizeof(Sorted) + item.document.size() + item.keys.capacity() * sizeof(bson::Value);
  }

  [[noreturn]] void throw_too_large() const {
    throw CommandError(ErrorCode::kQueryExceededMemoryLimit,
                       "Executor error during find command :: caused by :: Sort exceeded memory "
                       "limit of " +
                           std::to_string(options_.sort_memory_bytes) +
                           " bytes; an index on the sort's fields, or a limit, would avoid it");
  }

  std::optional<Record> next_of_sorted() {
    if (next_sorted_ == sorted_.size()) return std::nullopt;
    const Sorted& item = sorted_[next_sorted_++];
    return Record{.id = item.id, .document = item.document};
  }
};

Execution::Execution(Plan plan, ExecutionOptions options)
    : impl_(std::make_unique<Impl>(std::move(plan), std::move(options))) {}
Execution::~Execution() = default;
Execution::Execution(Execution&&) noexcept = default;
Execution& Execution::operator=(Execution&&) noexcept = default;

void Execution::attach(const Transaction& transaction) { impl_->attach(transaction); }
void Execution::detach() { impl_->detach(); }
std::optional<Record> Execution::next() { return impl_->next(); }
void Execution::push_back() { impl_->push_back(); }
void Execution::settle() {
  if (Watch* const watch = impl_->watch()) watch->settle();
}
void Execution::cancel() {
  if (Watch* const watch = impl_->watch()) watch->cancel();
}
std::size_t Execution::memory() const { return impl_->memory(); }
const Plan& Execution::plan() const { return impl_->plan(); }
const ExecutionStats& Execution::stats() const { return impl_->stats(); }

bson::Document Execution::describe() const {
  const ExecutionStats& stats = impl_->stats();
  return bson::make_document("executionSuccess", true, "nReturned",
                             static_cast<std::int32_t>(stats.returned), "totalKeysExamined",
                             static_cast<std::int32_t>(stats.keys_examined), "totalDocsExamined",
                             static_cast<std::int32_t>(stats.docs_examined), "executionStages",
                             describe_stages(impl_->plan(), &stats));
}

std::uint64_t count(const Transaction& transaction, const CollectionPtr& collection,
                    const PlanRequest& request, const ExecutionOptions& options) {
  const auto trimmed = [&](std::uint64_t total) {
    const std::uint64_t behind = total - std::min(total, request.skip);
    return request.limit == 0 ? behind : std::min(behind, request.limit);
  };
  const bool everything = !request.filter || request.filter->always();
  if (everything && !request.hint && !options.watch)
    return trimmed(transaction.counters(*collection).documents);

  PlanRequest unsorted = request;
  unsorted.sort = {};
  Plan plan = make_plan(transaction, collection, unsorted);
  // Without a filter and with one entry for each document, entries are as good as documents.
  const bool by_entries = !options.watch && !plan.needs_filter && plan.scans.size() == 1 &&
                          plan.scans[0].index && !plan.scans[0].index->is_multikey();
  if (by_entries) {
    Scanner scanner(plan.scans.front());
    scanner.attach(transaction, plan.collection);
    std::uint64_t entries = 0;
    std::uint64_t examined = 0;
    const std::uint64_t enough =
        request.limit == 0 ? ~std::uint64_t{0} : request.skip + request.limit;
    while (entries < enough && scanner.advance(examined)) {
      ++entries;
      charge(Meter::kStep);
    }
    return trimmed(entries);
  }
  Execution execution(std::move(plan), options);
  execution.attach(transaction);
  std::uint64_t matching = 0;
  while (execution.next()) ++matching;
  return matching;
}

}  // namespace gesso::localdb
