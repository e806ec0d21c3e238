// The rules by which a plan is chosen.
//
// An index is a candidate when conditions bound its first field, or when it gives the order asked
// for. Of two candidates the one that bounds more and sorts wins; where neither is better in all,
// their entries are counted up to a limit and the fewer win.
#include <algorithm>
#include <array>

#include "gesso/localdb/index/spec.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/plan/bounds.hpp"
#include "gesso/localdb/plan/implication.hpp"
#include "gesso/localdb/plan/plan.hpp"
#include "gesso/localdb/storage/transaction.hpp"

namespace gesso::localdb {
namespace {

// Entries that an index dive looks at, to compare two candidates.
constexpr std::uint64_t kIndexDive = 128;

struct Candidate {
  std::shared_ptr<const Index> index;
  std::vector<FieldBounds> bounds = {};  // of the first fields
  KeyRanges keys = {};
  std::size_t consumed = 0;  // predicates that the ranges say in full
  bool sorts = false;
  Direction direction = Direction::kForward;

  [[nodiscard]] bool is_bounded() const { return keys.fields > 0; }
  [[nodiscard]] bool is_one_record() const {
    return spec_of(*index).unique && !keys.whole_key.empty();
  }
  [[nodiscard]] bool is_constant(std::size_t field) const {
    return field < keys.fields && bounds[field].intervals.size() == 1 &&
           bounds[field].intervals.front().is_point();
  }
};

std::string_view first_component(const IndexField& field) { return field.components.front(); }

// Two fields that fan out over the same array are met by its elements together, but two conditions
// may be met by different elements: only the first of them can be a bound.
bool shares_array(const Index& index, std::size_t field) {
  if (!index.multikey[field]) return false;
  for (std::size_t i = 0; i < field; ++i) {
    if (index.multikey[i] && first_component(spec_of(index).fields[i]) ==
                                 first_component(spec_of(index).fields[field])) {
      return true;
    }
  }
  return false;
}

// An equality is worth more than a list, and that more than a range.
int rank(const Predicate& predicate) {
  switch (predicate.op) {
    case PredicateOp::kEq:
      return 0;
    case PredicateOp::kIn:
      return 1;
    default:
      return 2;
  }
}

struct FieldMatch {
  std::optional<FieldBounds> bounds;
  std::size_t consumed = 0;
};

// `{a: {$exists: true}}` bounds nothing, but an index that leaves documents out is shorter than the
// collection.
FieldMatch match_existence(const IndexSpec& spec, const std::vector<Predicate>& predicates,
                           const std::string& path) {
  FieldMatch match;
  const bool asked = std::any_of(predicates.begin(), predicates.end(), [&](const Predicate& p) {
    return p.op == PredicateOp::kExists && p.path == path;
  });
  if (asked && (spec.sparse || spec.partial_filter)) {
    match.bounds = FieldBounds{.intervals = {whole_interval()}, .exact = false};
  }
  return match;
}

// On a multikey field one condition alone, since each may be met by another element.
FieldMatch match_field(const std::vector<Predicate>& predicates, const std::string& path,
                       bool multikey) {
  FieldMatch match;
  int best = 3;
  for (const Predicate& predicate : predicates) {
    if (predicate.path != path) continue;
    std::optional<FieldBounds> bounds = bounds_of(predicate);
    if (!bounds) continue;
    if (match.bounds && multikey) {
      if (rank(predicate) >= best) continue;
      match = {};
    }
    best = std::min(best, rank(predicate));
    match.consumed += bounds->exact ? 1 : 0;
    match.bounds = match.bounds ? intersect(*match.bounds, *bounds) : std::move(*bounds);
  }
  return match;
}

bool all_points(const FieldBounds& bounds) {
  return std::all_of(bounds.intervals.begin(), bounds.intervals.end(),
                     [](const Interval& interval) { return interval.is_point(); });
}

Candidate make_candidate(std::shared_ptr<const Index> index,
                         const std::vector<Predicate>& predicates) {
  Candidate candidate{.index = std::move(index)};
  const Index& over = *candidate.index;
  std::vector<std::size_t> consumed;
  for (std::size_t i = 0; i < spec_of(over).fields.size(); ++i) {
    if (shares_array(over, i)) break;
    FieldMatch match = match_field(predicates, spec_of(over).fields[i].path, over.multikey[i]);
    if (!match.bounds)
      match = match_existence(spec_of(over), predicates, spec_of(over).fields[i].path);
    if (!match.bounds) break;
    const bool last = !all_points(*match.bounds);
    candidate.bounds.push_back(std::move(*match.bounds));
    consumed.push_back(match.consumed);
    if (last) break;
  }
  candidate.keys = key_ranges(spec_of(over), candidate.bounds);
  candidate.bounds.resize(candidate.keys.fields);
  if (candidate.keys.exact) {
    for (std::size_t i = 0; i < candidate.keys.fields; ++i) candidate.consumed += consumed[i];
  }
  return candidate;
}

// Whether the entries come in the order asked for, and walked which way.
std::optional<Direction> direction_for(const Candidate& candidate, const SortSpec& sort) {
  const Index& index = *candidate.index;
  if (candidate.is_one_record()) return Direction::kForward;
  if (index.has_truncated_keys) return std::nullopt;
  const auto& fields = spec_of(index).fields;
  const auto is_constant_path = [&](const std::string& path) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].path == path) return candidate.is_constant(i) && !index.multikey[i];
    }
    return false;
  };
  std::optional<Direction> direction;
  std::size_t at = 0;
  for (const SortSpec::Key& key : sort.keys()) {
    if (is_constant_path(key.path.dotted())) continue;
    while (at < fields.size() && candidate.is_constant(at)) ++at;
    if (at == fields.size() || fields[at].path != key.path.dotted() || index.multikey[at]) {
      return std::nullopt;
    }
    const Direction needed =
        (key.direction < 0) == fields[at].descending ? Direction::kForward : Direction::kBackward;
    if (direction && *direction != needed) return std::nullopt;
    direction = needed;
    ++at;
  }
  return direction.value_or(Direction::kForward);
}

void consider_sort(Candidate& candidate, const SortSpec& sort) {
  if (sort.empty()) return;
  const std::optional<Direction> direction = direction_for(candidate, sort);
  candidate.sorts = direction.has_value();
  candidate.direction = direction.value_or(Direction::kForward);
}

// Whether `left` is at least as good in every respect.
bool dominates(const Candidate& left, const Candidate& right) {
  if (right.sorts && !left.sorts) return false;
  const auto bounds_path = [&](const IndexField& field) {
    for (std::size_t i = 0; i < left.keys.fields; ++i) {
      if (spec_of(*left.index).fields[i].path == field.path) return true;
    }
    return false;
  };
  const auto& fields = spec_of(*right.index).fields;
  return std::all_of(fields.begin(),
                     fields.begin() + static_cast<std::ptrdiff_t>(right.keys.fields), bounds_path);
}

std::uint64_t count_entries(const Transaction& transaction, const Candidate& candidate) {
  std::uint64_t entries = 0;
  IndexCursor cursor(transaction, *candidate.index);
  for (const KeyRange& range : candidate.keys.ranges) {
    for (bool more = cursor.seek(range.low);
         more && (range.high.empty() || cursor.key() < range.high); more = cursor.next()) {
      if (++entries == kIndexDive) return entries;
    }
  }
  return entries;
}

// Of those that are bounded; null where none is.
const Candidate* best_of(const Transaction& transaction, const std::vector<Candidate>& candidates) {
  std::vector<const Candidate*> left;
  for (const Candidate& candidate : candidates) {
    if (!candidate.is_bounded()) continue;
    if (candidate.is_one_record()) return &candidate;
    const auto dominates_it = [&](const Candidate* other) { return dominates(*other, candidate); };
    if (std::any_of(left.begin(), left.end(), dominates_it)) {
      // Equal in every respect: the index with fewer fields has the shorter keys.
      Candidate const*& last = *std::find_if(left.begin(), left.end(), dominates_it);
      if (dominates(candidate, *last) &&
          spec_of(*candidate.index).fields.size() < spec_of(*last->index).fields.size()) {
        last = &candidate;
      }
      continue;
    }
    std::erase_if(left, [&](const Candidate* other) { return dominates(candidate, *other); });
    left.push_back(&candidate);
  }
  if (left.size() < 2) return left.empty() ? nullptr : left.front();
  const Candidate* best = nullptr;
  std::uint64_t fewest = 0;
  for (const Candidate* const candidate : left) {
    // A blocking sort costs something on top; it also settles a draw.
    const std::uint64_t entries = count_entries(transaction, *candidate);
    const std::uint64_t cost = entries * (candidate->sorts ? 2 : 3);
    if (best == nullptr || cost < fewest) {
      best = candidate;
      fewest = cost;
    }
  }
  return best;
}

Scan to_scan(Candidate candidate) {
  Scan scan{.index = candidate.index,
            .direction = candidate.direction,
            .bounds = {},
            .ranges = std::move(candidate.keys.ranges)};
  if (spec_of(*candidate.index).unique) scan.unique_key = std::move(candidate.keys.whole_key);
  for (FieldBounds& bounds : candidate.bounds) {
    scan.bounds.push_back(std::move(bounds.intervals));
  }
  while (scan.bounds.size() < spec_of(*candidate.index).fields.size()) {
    scan.bounds.push_back({whole_interval()});
  }
  return scan;
}

// Whether the index is there for sorts along all of its fields, and this is one.
bool is_compound_of(const IndexSpec& spec, const SortSpec& sort) {
  return spec.fields.size() > 1 &&
         std::ranges::equal(
             spec.fields, sort.keys(), {}, &IndexField::path,
             [](const SortSpec::Key& key) -> const std::string& { return key.path.dotted(); });
}

std::vector<Candidate> candidates_for(const Collection& collection,
                                      const std::vector<Predicate>& predicates,
                                      const SortSpec& sort, const PlanRequest& request) {
  std::vector<Candidate> candidates;
  for (const auto& index : collection.indexes) {
    const bool is_usable = request.usable == nullptr || request.usable(*index);
    const bool is_for_sort =
        !is_usable && request.sorts_by_compound && is_compound_of(spec_of(*index), sort);
    if (!is_usable && !is_for_sort) continue;
    if (!holds_all_that_match(spec_of(*index), predicates)) continue;
    Candidate candidate = make_candidate(index, predicates);
    consider_sort(candidate, sort);
    if (is_for_sort && !candidate.sorts) continue;
    if (candidate.is_bounded() || candidate.sorts) candidates.push_back(std::move(candidate));
  }
  return candidates;
}

// A scan for each branch of the `$or`; none where a branch has no index.
std::vector<Scan> plan_branches(const Transaction& transaction, const Collection& collection,
                                const std::shared_ptr<const Matcher>& filter,
                                const PlanRequest& request) {
  std::vector<Scan> scans;
  for (const Matcher& branch : filter->or_branches()) {
    const std::vector<Candidate> candidates =
        candidates_for(collection, branch.conjunction(), SortSpec(), request);
    const Candidate* const best = best_of(transaction, candidates);
    if (best == nullptr) return {};
    scans.push_back(to_scan(*best));
    scans.back().filter = std::shared_ptr<const Matcher>(filter, &branch);
  }
  return scans;
}

// {_id: 5} or {_id: {$eq: 5}}, as MongoDB answers without a planner.
bool asks_for_id_alone(bson::View filter) {
  if (filter.count() != 1 || filter.begin()->key != "_id") return false;
  const bson::Value id = filter.begin()->value;
  if (id.is_null() || id.is_array()) return false;
  if (!id.is_document() || id.as_document().empty()) return true;
  const bson::Element first = *id.as_document().begin();
  return !first.key.starts_with('$') ||
         (first.key == "$eq" && id.as_document().count() == 1 && !first.value.is_null());
}

struct Natural {
  Direction direction;
};

std::optional<Natural> natural_order(bson::View specification, std::string_view what) {
  const bson::Value value = specification["$natural"];
  if (!value) return std::nullopt;
  const std::optional<std::int64_t> direction = value.is_number() ? value.integer() : std::nullopt;
  if (specification.count() != 1 || (direction != 1 && direction != -1)) {
    throw CommandError(ErrorCode::kBadValue, std::string(what) +
                                                 ": $natural must be 1 or -1 and stand alone, in " +
                                                 value_text(specification));
  }
  return Natural{*direction == 1 ? Direction::kForward : Direction::kBackward};
}

std::shared_ptr<const Index> hinted_index(const Collection& collection, bson::Value hint) {
  const Index* const found = hint.is_string()     ? collection.index_by_name(hint.as_string())
                             : hint.is_document() ? collection.index_by_key(hint.as_document())
                                                  : nullptr;
  for (const auto& index : collection.indexes) {
    if (index.get() == found) return index;
  }
  throw CommandError(ErrorCode::kBadValue,
                     "error processing query: planner returned error: bad hint: hint provided does "
                     "not correspond to an existing index: " +
                         value_text(hint));
}

class Planner {
  const Transaction& transaction_;
  const PlanRequest& request_;
  Plan plan_;
  const std::vector<Predicate> no_predicates_ = {};

 public:
  Planner(const Transaction& transaction, CollectionPtr collection, const PlanRequest& request)
      : transaction_(transaction), request_(request) {
    plan_.collection = std::move(collection);
    if (request.filter && !request.filter->always()) plan_.filter = request.filter;
    plan_.needs_filter = plan_.filter != nullptr;
    plan_.skip = request.skip;
    plan_.limit = request.limit;
  }

  Plan run() {
    if (const auto natural = natural_order(request_.sort, "sort")) {
      plan_.scans.push_back({.direction = natural->direction});
      return std::move(plan_);
    }
    plan_.sort = SortSpec::parse(request_.sort);
    plan_.sort_document = bson::Document(request_.sort);
    if (request_.hint) {
      choose_hinted();
    } else {
      choose();
    }
    return std::move(plan_);
  }

 private:
  [[nodiscard]] const std::vector<Predicate>& predicates() const {
    return plan_.filter ? plan_.filter->conjunction() : no_predicates_;
  }

  void choose_hinted() {
    if (request_.hint.is_document()) {
      if (const auto natural = natural_order(request_.hint.as_document(), "hint")) {
        plan_.scans.push_back({.direction = natural->direction});
        return;
      }
    }
    Candidate candidate =
        make_candidate(hinted_index(*plan_.collection, request_.hint), predicates());
    consider_sort(candidate, plan_.sort);
    use(std::move(candidate));
  }

  // The most frequent query of all needs no look at the other indexes.
  bool choose_id() {
    const auto is_id = [](const Predicate& predicate) {
      return predicate.op == PredicateOp::kEq && predicate.path == "_id";
    };
    if (std::none_of(predicates().begin(), predicates().end(), is_id)) return false;
    Candidate candidate = make_candidate(plan_.collection->indexes.front(), predicates());
    if (!candidate.is_one_record()) return false;
    candidate.sorts = true;  // one record is in any order
    use(std::move(candidate));
    plan_.is_id_lookup = request_.skip == 0 && asks_for_id_alone(plan_.filter->filter());
    return true;
  }

  void choose() {
    if (choose_id()) return;
    const std::vector<Candidate> all =
        candidates_for(*plan_.collection, predicates(), plan_.sort, request_);
    if (const Candidate* const best = best_of(transaction_, all)) return use(*best);
    if (plan_.filter && !plan_.filter->or_branches().empty()) {
      plan_.scans = plan_branches(transaction_, *plan_.collection, plan_.filter, request_);
      if (!plan_.scans.empty()) return;
    }
    if (!plan_.sort.empty()) {
      const auto sorting = std::find_if(all.begin(), all.end(),
                                        [](const Candidate& candidate) { return candidate.sorts; });
      if (sorting != all.end()) return use(*sorting);
    }
    plan_.scans.push_back({});
  }

  void use(Candidate candidate) {
    if (candidate.sorts) plan_.sort = SortSpec();
    plan_.needs_filter = plan_.filter && !(plan_.filter->is_exact_conjunction() &&
                                           candidate.consumed == predicates().size());
    plan_.scans.push_back(to_scan(std::move(candidate)));
  }
};

}  // namespace

Plan make_plan(const Transaction& transaction, CollectionPtr collection,
               const PlanRequest& request) {
  // An operation that writes may hold the collection as it was before an array came into an index.
  if (CollectionPtr current = transaction.catalog().find(collection->id)) {
    collection = std::move(current);
  }
  return Planner(transaction, std::move(collection), request).run();
}

}  // namespace gesso::localdb
