#include "gesso/query/filter.hpp"

#include <algorithm>

namespace gesso::query::detail {

namespace {

std::string_view operator_name(Op op) {
  switch (op) {
    case Op::kEqual:
      return "$eq";
    case Op::kNotEqual:
      return "$ne";
    case Op::kLess:
      return "$lt";
    case Op::kLessEqual:
      return "$lte";
    case Op::kGreater:
      return "$gt";
    case Op::kGreaterEqual:
      return "$gte";
    case Op::kIn:
      return "$in";
    case Op::kAll:
      return "$all";
    case Op::kExists:
    case Op::kMissing:
      return "$exists";
  }
  return {};
}

void append_operator(bson::Builder& builder, const Condition& condition) {
  const std::string_view name = operator_name(condition.op);
  if (name == "$exists") {
    builder.append(name, condition.op == Op::kExists);
  } else {
    builder.append(name, condition.value.view());
  }
}

void append_condition(bson::Builder& builder, const Condition& condition) {
  if (condition.op == Op::kEqual) {
    builder.append(condition.path, condition.value.view());
  } else {
    const auto operators = builder.document(condition.path);
    append_operator(builder, condition);
  }
}

// The conditions on one field, which stand in one document where their operators differ.
using Group = std::vector<const Condition*>;

bool operators_differ(const Group& group) {
  for (std::size_t i = 0; i < group.size(); ++i) {
    for (std::size_t j = i + 1; j < group.size(); ++j) {
      if (operator_name(group[i]->op) == operator_name(group[j]->op)) return false;
    }
  }
  return true;
}

}  // namespace

bson::Document write(const Conjunction& conjunction) {
  std::vector<Group> groups;
  for (const Condition* condition : conjunction.conditions) {
    const auto group = std::ranges::find_if(
        groups, [&](const Group& other) { return other[0]->path == condition->path; });
    if (group == groups.end()) {
      groups.push_back({condition});
    } else {
      group->push_back(condition);
    }
  }
  bson::Builder builder;
  std::vector<bson::Document> rest;  // what needs a `$and`
  for (const Group& group : groups) {
    if (group.size() == 1) {
      append_condition(builder, *group[0]);
    } else if (operators_differ(group)) {
      const auto operators = builder.document(group[0]->path);
      for (const Condition* condition : group) append_operator(builder, *condition);
    } else {
      for (const Condition* condition : group) {
        bson::Builder alone;
        append_condition(alone, *condition);
        rest.push_back(alone.finish());
      }
    }
  }
  if (conjunction.alternatives.size() == 1) {
    builder.append("$or", conjunction.alternatives[0]);
  } else {
    for (const bson::Array& branches : conjunction.alternatives) {
      rest.push_back(bson::make_document("$or", branches));
    }
  }
  if (!rest.empty()) {
    const auto list = builder.array("$and");
    for (const bson::Document& part : rest) builder.push(part);
  }
  return builder.finish();
}

void append_shape(std::string& out, const Condition& condition) {
  out += condition.path;
  out += operator_name(condition.op);
  if (condition.op == Op::kMissing) out += '!';
}

}  // namespace gesso::query::detail
