#include "gesso/schema/object.hpp"

#include <utility>

#include "gesso/base/text.hpp"
#include "gesso/bson/json.hpp"

namespace gesso::schema {
namespace {

class Checker {
  std::vector<Violation> violations_;
  Path path_;

  void add(std::string_view message, std::string found) {
    Violation violation = value_error(message, {});
    violation.path = path_;
    violation.expected = Object::expected();
    violation.found = std::move(found);
    violations_.push_back(std::move(violation));
  }

  void walk(bson::View level, bool is_array, int depth) {
    if (depth > Object::kMaxDepth) {
      add("Object should have at most " + std::to_string(Object::kMaxDepth) + " levels",
          "one more");
      return;
    }
    std::size_t index = 0;
    for (const bson::Element& element : level) {
      if (is_array) {
        path_.emplace_back(index++);
      } else {
        path_.emplace_back(std::string(element.key));
        check_key(element.key);
      }
      if (element.value.is_document() || element.value.is_array()) {
        walk(element.value.as_document(), element.value.is_array(), depth + 1);
      }
      path_.pop_back();
    }
  }

  void check_key(std::string_view key) {
    if (!key.empty() && key.front() != '$' && key.find('.') == std::string_view::npos) return;
    add("A key should not be empty, start with '$' or hold a period",
        "key \"" + std::string(utf8_prefix(key, 40)) + "\"");
  }

 public:
  std::vector<Violation> run(bson::View document) && {
    if (document.size() > Object::kMaxBytes) {
      add("Object should have at most " + std::to_string(Object::kMaxBytes) + " bytes",
          std::to_string(document.size()) + " bytes");
    } else {
      walk(document, false, 1);
    }
    return std::move(violations_);
  }
};

}  // namespace

Object::Object(bson::Document document) : document_(std::move(document)) {
  std::vector<Violation> violations = check(document_);
  if (!violations.empty()) throw validation_error(std::move(violations));
}

std::vector<Violation> Object::check(bson::View document) { return Checker().run(document); }

Object Object::unchecked(bson::View document) {
  Object object;
  object.document_ = bson::Document(document);
  return object;
}

std::string Object::expected() {
  return "object of at most " + std::to_string(kMaxBytes) + " bytes and " +
         std::to_string(kMaxDepth) + " levels";
}

std::ostream& operator<<(std::ostream& out, const Object& object) {
  return out << bson::to_json(object.view());
}

}  // namespace gesso::schema
