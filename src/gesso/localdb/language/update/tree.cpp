#include "gesso/localdb/language/update/tree.hpp"

#include <algorithm>
#include <set>

#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/path.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Value;
using bson::View;

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

bool is_filtered(std::string_view component) {
  return component.starts_with("$[") && component.ends_with("]") && component.size() > 3;
}

bool is_positional(std::string_view component) {
  return component == "$" || component == "$[]" || is_filtered(component);
}

void check_dollar(std::string_view component, std::string_view path) {
  if (!component.starts_with('$') || is_reference_field(component)) return;
  throw CommandError(ErrorCode::kDollarPrefixedFieldName,
                     "The dollar ($) prefixed field " + quoted(component) + " in " + quoted(path) +
                         " is not allowed in the context of an update's replacement document. "
                         "Consider using an aggregation pipeline with $replaceWith.");
}

void check_filter(std::string_view component, std::string_view path,
                  std::vector<ArrayFilter>& filters) {
  const std::string_view identifier = component.substr(2, component.size() - 3);
  const auto found = std::ranges::find(filters, identifier, &ArrayFilter::identifier);
  if (found == filters.end()) {
    throw CommandError(ErrorCode::kBadValue, "No array filter found for identifier " +
                                                 quoted(identifier) + " in path " + quoted(path));
  }
  found->used = true;
}

FieldPath parse_path(std::string_view dotted, std::vector<ArrayFilter>& filters) {
  if (std::ranges::count(dotted, '.') >= kMaxPathComponents) {
    throw CommandError(ErrorCode::kOverflow, "the update path is too long");
  }
  FieldPath path(dotted);
  bool positional = false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const std::string& component = path[i];
    if (component.empty()) {
      throw CommandError(ErrorCode::kEmptyFieldName,
                         "The update path " + quoted(dotted) +
                             " contains an empty field name, which is not allowed.");
    }
    if (!is_positional(component)) {
      check_dollar(component, dotted);
      continue;
    }
    if (i == 0) {
      throw CommandError(
          ErrorCode::kBadValue,
          "Cannot have positional (i.e. '$') element in the first position in path " +
              quoted(dotted));
    }
    if (component == "$" && positional) {
      throw CommandError(ErrorCode::kBadValue,
                         "Too many positional (i.e. '$') elements found in path " + quoted(dotted));
    }
    positional = positional || component == "$";
    if (is_filtered(component)) check_filter(component, dotted, filters);
  }
  return path;
}

[[noreturn]] void conflict(std::string_view path, std::string_view at) {
  throw CommandError(
      ErrorCode::kConflictingUpdateOperators,
      "Updating the path " + quoted(path) + " would create a conflict at " + quoted(at));
}

class RenameParser {
  UpdateNode& root_;
  std::vector<ArrayFilter>& filters_;

 public:
  RenameParser(UpdateNode& root, std::vector<ArrayFilter>& filters)
      : root_(root), filters_(filters) {}

  void parse(std::string_view source, Value to) {
    if (!to.is_string()) {
      fail("The 'to' field for $rename must be a string: " + std::string(source) + ": " +
           value_text(to));
    }
    const std::string_view target = to.as_string();
    if (target.find('\0') != std::string_view::npos) {
      fail("The 'to' field for $rename cannot contain an embedded null byte");
    }
    const std::string pair = std::string(source) + ": \"" + std::string(target) + "\"";
    if (source == target) fail("The source and target field for $rename must differ: " + pair);
    if (paths_overlap(source, target)) {
      fail("The source and target field for $rename must not be on the same path: " + pair);
    }
    refuse_dynamic("source", source);
    refuse_dynamic("destination", target);
    add_to_tree(root_, source, make_rename_source(source), filters_);
    add_to_tree(root_, target, make_rename_target(source, target), filters_);
  }

 private:
  [[noreturn]] static void fail(const std::string& message) {
    throw CommandError(ErrorCode::kBadValue, message);
  }
  static void refuse_dynamic(const std::string& what, std::string_view dotted) {
    if (std::ranges::any_of(FieldPath(dotted).parts(), is_positional)) {
      fail("The " + what + " field for $rename may not be dynamic: " + std::string(dotted));
    }
  }
};

// The top-level names that the conditions of an array filter are about.
void collect_identifiers(View filter, std::set<std::string>& identifiers) {
  for (const Element& element : filter) {
    if (!element.key.starts_with('$')) {
      identifiers.emplace(element.key.substr(0, element.key.find('.')));
    } else if (element.value.is_array()) {
      for (const Element& clause : element.value.as_document()) {
        if (clause.value.is_document())
          collect_identifiers(clause.value.as_document(), identifiers);
      }
    }
  }
}

std::string parse_identifier(View filter) {
  std::set<std::string> identifiers;
  collect_identifiers(filter, identifiers);
  if (identifiers.empty()) {
    throw CommandError(ErrorCode::kFailedToParse,
                       "Cannot use an expression without a top-level field name in arrayFilters");
  }
  if (identifiers.size() > 1) {
    throw CommandError(ErrorCode::kFailedToParse,
                       "Error parsing array filter :: caused by :: Expected a single top-level "
                       "field name, found " +
                           quoted(*identifiers.begin()) + " and " +
                           quoted(*std::next(identifiers.begin())));
  }
  const std::string& name = *identifiers.begin();
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (name.empty() || name[0] < 'a' || name[0] > 'z' ||
      !std::ranges::all_of(name, is_alphanumeric)) {
    throw CommandError(ErrorCode::kBadValue,
                       "Error parsing array filter :: caused by :: The top-level field name must "
                       "be an alphanumeric string beginning with a lowercase letter, found " +
                           quoted(name));
  }
  return name;
}

}  // namespace

bool ComponentOrder::operator()(std::string_view left, std::string_view right) const {
  const auto left_index = array_index(left);
  const auto right_index = array_index(right);
  if (left_index && right_index) return *left_index < *right_index;
  if (left_index || right_index) return left_index.has_value();
  return left < right;
}

bool UpdateNode::creates(const UpdateRun& run) const {
  if (operation) return operation->creates(run);
  return std::ranges::any_of(children,
                             [&run](const auto& child) { return child.second.creates(run); });
}

std::vector<ArrayFilter> parse_array_filters(Value filters, const Variables& variables) {
  std::vector<ArrayFilter> result;
  if (filters.is_missing()) return result;
  if (!filters.is_array()) {
    throw CommandError(ErrorCode::kTypeMismatch, "arrayFilters must be an array");
  }
  for (const Element& element : filters.as_document()) {
    if (!element.value.is_document()) {
      throw CommandError(ErrorCode::kTypeMismatch, "each array filter must be an object");
    }
    std::string identifier = parse_identifier(element.value.as_document());
    if (std::ranges::find(result, identifier, &ArrayFilter::identifier) != result.end()) {
      throw CommandError(
          ErrorCode::kFailedToParse,
          "Found multiple array filters with the same top-level field name " + identifier);
    }
    result.push_back({.identifier = std::move(identifier),
                      .matcher = Matcher::compile(element.value.as_document(), variables)});
  }
  return result;
}

void add_to_tree(UpdateNode& root, std::string_view dotted, UpdateOperatorPtr operation,
                 std::vector<ArrayFilter>& filters) {
  const FieldPath path = parse_path(dotted, filters);
  UpdateNode* node = &root;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (node->operation) conflict(dotted, path.prefix(i));
    node = &node->children[path[i]];
  }
  if (node->operation || !node->children.empty()) conflict(dotted, dotted);
  node->operation = std::move(operation);
}

void build_tree(UpdateNode& root, View spec, std::vector<ArrayFilter>& filters) {
  for (const Element& modifier : spec) {
    const bool rename = modifier.key == "$rename";
    if (!rename && !is_update_operator(modifier.key)) {
      throw CommandError(ErrorCode::kFailedToParse,
                         "Unknown modifier: " + std::string(modifier.key) +
                             ". Expected a valid update modifier or pipeline-style update "
                             "specified as an array");
    }
    if (!modifier.value.is_document()) {
      throw CommandError(ErrorCode::kFailedToParse,
                         "Modifiers operate on fields but we found type " +
                             std::string(bson::type_name(modifier.value.type())) +
                             " instead. For example: {$mod: {<field>: ...}} not {" +
                             std::string(modifier.key) + ": " + value_text(modifier.value) + "}");
    }
    for (const Element& field : modifier.value.as_document()) {
      if (rename) {
        RenameParser(root, filters).parse(field.key, field.value);
      } else {
        add_to_tree(root, field.key, make_update_operator(modifier.key, field.key, field.value),
                    filters);
      }
    }
  }
}

bson::Document seed_of(const Matcher& query, SeedFields fields) {
  UpdateNode root;
  std::vector<ArrayFilter> no_filters;
  for (const Predicate& predicate : query.conjunction()) {
    if (fields == SeedFields::kIdOnly && predicate.path != "_id") continue;
    Value value = predicate.operand;
    if (predicate.op == PredicateOp::kIn && value.as_document().count() == 1) {
      value = value.as_document().begin()->value;
    } else if (predicate.op != PredicateOp::kEq) {
      continue;
    }
    try {
      add_to_tree(root, predicate.path, make_set(predicate.path, value), no_filters);
    } catch (const CommandError& error) {
      if (error.code() != static_cast<int>(ErrorCode::kConflictingUpdateOperators)) throw;
      throw CommandError(
          ErrorCode::kNotSingleValueField,
          "cannot infer query fields to set, path " + quoted(predicate.path) + " is matched twice");
    }
  }
  const bson::Document empty;
  Arena arena;
  UpdateRun run{.document = empty, .arena = arena, .insert = true};
  return apply_tree(root, no_filters, run);
}

}  // namespace gesso::localdb
