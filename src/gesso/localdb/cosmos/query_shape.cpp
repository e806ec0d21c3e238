#include "gesso/localdb/cosmos/query_shape.hpp"

#include <algorithm>
#include <array>

#include "gesso/localdb/cosmos/index_kinds.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr std::string_view kExcluded =
    "The index path corresponding to the specified order-by item is excluded.";
constexpr std::string_view kNoComposite =
    "The order by query does not have a corresponding composite index that it can be served from.";

// Conditions that an index of their path answers.
constexpr std::array<std::string_view, 10> kServedOperators = {
    "$eq", "$in", "$gt", "$gte", "$lt", "$lte", "$ne", "$nin", "$exists", "$all"};

bool is_operators(bson::Value value) {
  return value.is_document() && !value.as_document().empty() &&
         value.as_document().begin()->key.starts_with('$');
}

// A regular expression is answered where it is anchored at the left and says no more.
bool is_prefix(std::string_view pattern, std::string_view options) {
  return pattern.starts_with('^') && options.find_first_of("im") == std::string_view::npos;
}

bool is_served_operator(std::string_view name, const bson::Element& condition,
                        bson::View conditions) {
  if (std::ranges::find(kServedOperators, name) != kServedOperators.end()) return true;
  if (name == "$options") return true;  // it goes with its $regex
  if (name != "$regex") return false;
  if (condition.value.is(bson::Type::kRegex)) {
    const bson::Regex regex = condition.value.as_regex();
    return is_prefix(regex.pattern, regex.options);
  }
  const bson::Value options = conditions["$options"];
  return condition.value.is_string() &&
         is_prefix(condition.value.as_string(), options.is_string() ? options.as_string() : "");
}

class Analysis {
  const Collection& collection_;
  const Container& container_;
  QueryShape& shape_;
  bson::Builder served_;
  bool some_served_ = false, some_left_ = false;

 public:
  Analysis(const Collection& collection, const Container& container, QueryShape& shape)
      : collection_(collection), container_(container), shape_(shape) {}

  void run(bson::View filter) {
    {
      const auto conditions = served_.array("$and");
      take(filter);
    }
    const bson::Document part = served_.finish();
    if (!some_left_) {
      shape_.served = Served::kAll;
    } else if (!some_served_) {
      shape_.served = Served::kNone;
    } else {
      shape_.served = Served::kSome;
      shape_.served_part = std::make_shared<const Matcher>(Matcher::compile(part));
    }
  }

 private:
  void take(bson::View filter) {
    for (const bson::Element& element : filter) {
      if (element.key == "$and" && element.value.is_array()) {
        for (const auto& [key, branch] : element.value.as_document()) {
          if (branch.is_document()) take(branch.as_document());
        }
      } else if (element.key == "$or" && element.value.is_array()) {
        take_or(element);
      } else if (element.key == "$comment") {
        continue;
      } else if (element.key.starts_with('$')) {
        some_left_ = true;
      } else {
        take_field(element);
      }
    }
  }

  // An `$or` is answered where each of its branches is.
  void take_or(const bson::Element& element) {
    bool all = true;
    for (const auto& [key, branch] : element.value.as_document()) {
      QueryShape inner;
      if (branch.is_document()) Analysis(collection_, container_, inner).run(branch.as_document());
      all = all && branch.is_document() && inner.served == Served::kAll;
      shape_.indexed.insert(shape_.indexed.end(), inner.indexed.begin(), inner.indexed.end());
      shape_.not_indexed.insert(shape_.not_indexed.end(), inner.not_indexed.begin(),
                                inner.not_indexed.end());
    }
    keep(element, all);
  }

  void take_field(const bson::Element& element) {
    const bool indexed = is_indexed(collection_, container_, element.key);
    (indexed ? shape_.indexed : shape_.not_indexed).emplace_back(element.key);
    if (!is_operators(element.value)) {
      const bool is_regex = element.value.is(bson::Type::kRegex);
      const bool prefix =
          is_regex && is_prefix(element.value.as_regex().pattern, element.value.as_regex().options);
      return keep(element, indexed && (!is_regex || prefix));
    }
    const bson::View conditions = element.value.as_document();
    const bool all = std::all_of(conditions.begin(), conditions.end(), [&](const auto& condition) {
      return is_served_operator(condition.key, condition, conditions);
    });
    keep(element, indexed && all);
  }

  void keep(const bson::Element& element, bool served) {
    (served ? some_served_ : some_left_) = true;
    if (served) served_.push(bson::make_document(element.key, element.value));
  }
};

// `_id` and the shard key by equality, and nothing beside them.
bool is_point_read(const Container& container, const Matcher& filter) {
  if (!filter.is_exact_conjunction() || !filter.or_branches().empty()) return false;
  bool id = false;
  bool key = !container.is_sharded();
  for (const Predicate& predicate : filter.conjunction()) {
    if (predicate.op != PredicateOp::kEq) return false;
    const bool is_key = predicate.path == container.shard_key;
    if (predicate.path != "_id" && !is_key) return false;
    id = id || predicate.path == "_id";
    key = key || is_key;
  }
  return id && key;
}

}  // namespace

bool is_indexed(const Collection& collection, const Container& container, std::string_view path) {
  if (path == "_id" || path == container.shard_key) return true;
  return std::ranges::any_of(collection.indexes, [&](const auto& index) {
    if (const auto* wildcard = dynamic_cast<const WildcardIndex*>(index->keys.get())) {
      return wildcard->covers(path);
    }
    return serves_filters(*index) && spec_of(*index).fields.front().path == path;
  });
}

QueryShape shape_of(const Collection& collection, const Container& container,
                    const Matcher* filter) {
  QueryShape shape{.partitions = container.partitions_for(filter)};
  if (filter == nullptr || filter->always()) return shape;
  shape.is_point = is_point_read(container, *filter);
  Analysis(collection, container, shape).run(filter->filter());
  return shape;
}

std::string_view sort_fault(const Collection& collection, const Container& container,
                            bson::View sort) {
  if (sort.empty() || sort.contains("$natural")) return "";
  if (sort.count() == 1) {
    return is_indexed(collection, container, sort.begin()->key) ? "" : kExcluded;
  }
  std::vector<std::pair<std::string_view, bool>> wanted;  // path, descending
  for (const auto& [path, direction] : sort) wanted.emplace_back(path, direction.number() < 0);
  const bool served = std::ranges::any_of(collection.indexes, [&](const auto& index) {
    const std::vector<IndexField>& fields = spec_of(*index).fields;
    const auto runs_along = [&](bool reversed) {
      return std::ranges::equal(fields, wanted, [&](const IndexField& field, const auto& key) {
        return field.path == key.first && field.descending == (key.second != reversed);
      });
    };
    return runs_along(false) || runs_along(true);
  });
  return served ? "" : kNoComposite;
}

}  // namespace gesso::localdb::cosmos
