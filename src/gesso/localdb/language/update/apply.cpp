// Rewrites one document by a tree of operators.
#include <algorithm>
#include <utility>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/path.hpp"
#include "gesso/localdb/language/update/tree.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;

constexpr std::size_t kMaxPadding = 1'500'000;

bool is_filtered(std::string_view component) { return component.starts_with("$["); }

class Application {
  const std::vector<ArrayFilter>& filters_;
  UpdateRun& run_;
  bson::Builder out_;

 public:
  Application(const std::vector<ArrayFilter>& filters, UpdateRun& run)
      : filters_(filters), run_(run) {}

  bson::Document run(const UpdateNode& root) {
    out_.reserve(run_.document.size() + 64);
    object(run_.document, root, "");
    return out_.finish();
  }

 private:
  static std::string join(std::string_view path, std::string_view component) {
    return path.empty() ? std::string(component) : std::string(path) + "." + std::string(component);
  }

  // What "$" stands for below the array at `path`.
  std::size_t matched_position(std::string_view path) const {
    const auto position = run_.details == nullptr ? std::nullopt : run_.details->index_in(path);
    if (!position) {
      throw CommandError(ErrorCode::kBadValue,
                         "The positional operator did not find the match needed from the query.");
    }
    return *position;
  }

  void object(View document, const UpdateNode& node, const std::string& path) {
    std::vector<const UpdateNode*> done;
    for (const Element& element : document) {
      const auto child = node.children.find(element.key);
      const bool again =
          child == node.children.end() || std::ranges::find(done, &child->second) != done.end();
      if (again) {
        out_.append_element(element);
        continue;
      }
      done.push_back(&child->second);
      existing(element.key, element.value, child->second, join(path, element.key));
    }
    for (const auto& [component, child] : node.children) {
      if (std::ranges::find(done, &child) != done.end()) continue;
      // Where no array stands "$" is a name of digits.
      const bool positional = component == "$" && child.creates(run_);
      missing(positional ? std::to_string(matched_position(path)) : component, child, path);
    }
  }

  void existing(std::string_view key, Value value, const UpdateNode& node,
                const std::string& path) {
    if (node.operation) {
      out_.append(key, node.operation->apply(value, run_));
    } else if (value.is_array()) {
      const auto scope = out_.array(key);
      array(value.as_document(), node, path);
    } else {
      require_no_array_updates(key, value, node);
      if (value.is_document()) {
        const auto scope = out_.document(key);
        object(value.as_document(), node, path);
      } else {
        if (node.creates(run_)) {
          if (node.children.contains("$")) static_cast<void>(matched_position(path));
          refuse_creation(node, key, value);
        }
        out_.append(key, value);
      }
    }
  }

  static void require_no_array_updates(std::string_view key, Value value, const UpdateNode& node) {
    const bool updates_elements = std::ranges::any_of(
        node.children, [](const auto& child) { return is_filtered(child.first); });
    if (!updates_elements) return;
    throw CommandError(ErrorCode::kBadValue, "Cannot apply array updates to non-array element " +
                                                 std::string(key) + ": " + value_text(value));
  }

  [[noreturn]] static void refuse_creation(const UpdateNode& node, std::string_view key,
                                           Value value) {
    throw CommandError(ErrorCode::kPathNotViable,
                       "Cannot create field '" + node.children.begin()->first + "' in element {" +
                           std::string(key) + ": " + value_text(value) + "}");
  }

  void missing(std::string_view key, const UpdateNode& node, const std::string& parent) {
    if (is_filtered(key)) {
      throw CommandError(
          ErrorCode::kBadValue,
          "The path '" + parent + "' must exist in the document in order to apply array updates.");
    }
    if (!node.creates(run_)) {
      require_existing_arrays(node, join(parent, key));
      return;
    }
    if (node.operation) {
      out_.append(key, node.operation->apply({}, run_));
      return;
    }
    const auto scope = out_.document(key);
    object(View(), node, join(parent, key));
  }

  // `{$unset: {"a.$[].b": 1}}` needs `a` even though it makes nothing.
  void require_existing_arrays(const UpdateNode& node, const std::string& path) {
    for (const auto& [component, child] : node.children) {
      if (is_filtered(component)) missing(component, child, path);
      require_existing_arrays(child, join(path, component));
    }
  }

  void array(View elements, const UpdateNode& node, const std::string& path) {
    std::size_t size = 0;
    for (const Element& item : elements) {
      element(item.value, applicable(node, size, item.value, path), join(path, item.key));
      ++size;
    }
    for (const auto& [component, child] : node.children) {
      if (is_filtered(component) || !child.creates(run_)) continue;
      const auto position =
          component == "$" ? std::optional(matched_position(path)) : array_index(component);
      if (!position) {
        refuse_creation(node, path.substr(path.rfind('.') + 1),
                        Value(Type::kArray, elements.data()));
      }
      if (*position < size) continue;
      pad(size, *position);
      size = *position + 1;
      if (child.operation) {
        push(child.operation->apply({}, run_));
      } else {
        const auto scope = out_.document(out_.next_key());
        object(View(), child, join(path, component));
      }
    }
  }

  void pad(std::size_t size, std::size_t position) {
    if (position - size > kMaxPadding) {
      throw CommandError(ErrorCode::kBadValue,
                         "can't backfill more than " + std::to_string(kMaxPadding) + " elements");
    }
    for (; size < position; ++size) out_.push(bson::Null{});
  }

  // The parts of the tree that are about the element at `position`.
  std::vector<const UpdateNode*> applicable(const UpdateNode& node, std::size_t position,
                                            Value value, const std::string& path) const {
    std::vector<const UpdateNode*> nodes;
    for (const auto& [component, child] : node.children) {
      bool applies = false;
      if (component == "$[]") {
        applies = true;
      } else if (component == "$") {
        applies = matched_position(path) == position;
      } else if (is_filtered(component)) {
        applies = passes(std::string_view(component).substr(2, component.size() - 3), value);
      } else {
        applies = array_index(component) == position;
      }
      if (applies) nodes.push_back(&child);
    }
    return nodes;
  }

  bool passes(std::string_view identifier, Value value) const {
    const auto filter = std::ranges::find(filters_, identifier, &ArrayFilter::identifier);
    return filter->matcher.matches(bson::make_document(identifier, value));
  }

  void element(Value value, const std::vector<const UpdateNode*>& nodes, const std::string& path) {
    if (nodes.size() == 1) {
      single(value, *nodes.front(), path);
      return;
    }
    for (const UpdateNode* node : nodes) {
      if (!node->operation) continue;
      throw CommandError(ErrorCode::kConflictingUpdateOperators,
                         "Update created a conflict at '" + path + "'");
    }
    // Several paths below one element, each applied to what the one before left.
    for (const UpdateNode* node : nodes) {
      bson::Builder outer = std::exchange(out_, bson::Builder());
      existing("", value, *node, path);
      const bson::Document result = out_.finish();
      out_ = std::move(outer);
      value = run_.arena.copy(result[""]);
    }
    out_.push(value);
  }

  void single(Value value, const UpdateNode& node, const std::string& path) {
    if (node.operation) {
      push(node.operation->apply(value, run_));
    } else {
      existing(out_.next_key(), value, node, path);
    }
  }

  // An array keeps its length: what is taken away leaves null.
  void push(Value value) {
    if (value.is_missing()) {
      out_.push(bson::Null{});
    } else {
      out_.push(value);
    }
  }
};

}  // namespace

bson::Document apply_tree(const UpdateNode& root, const std::vector<ArrayFilter>& filters,
                          UpdateRun& run) {
  return Application(filters, run).run(root);
}

}  // namespace gesso::localdb
