#include "gesso/localdb/language/aggregate/set_path.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Value;
using bson::View;

class PathSetter {
  const FieldPath& path_;
  const Value value_;
  bson::Builder out_;

 public:
  PathSetter(const FieldPath& path, Value value) : path_(path), value_(value) {}

  bson::Document run(View document) {
    out_.reserve(document.size() + value_.raw().size() + 32);
    level(document, 0);
    return out_.finish();
  }

 private:
  void level(View document, std::size_t depth) {
    bool done = false;
    for (const Element& element : document) {
      if (done || element.key != path_[depth]) {
        out_.append_element(element);
        continue;
      }
      done = true;
      component(element.value, depth);
    }
    if (!done && !value_.is_missing()) component({}, depth);
  }

  void component(Value current, std::size_t depth) {
    if (depth + 1 == path_.size()) {
      out_.append(path_[depth], value_);
      return;
    }
    const auto scope = out_.document(path_[depth]);
    level(current.is_document() ? current.as_document() : View(), depth + 1);
  }
};

}  // namespace

bson::Document set_path(View document, const FieldPath& path, Value value) {
  return PathSetter(path, value).run(document);
}

}  // namespace gesso::localdb
