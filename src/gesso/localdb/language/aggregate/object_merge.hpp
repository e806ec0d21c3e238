// A document that fields are put into by name, in the order in which the names first came.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gesso/base/meter.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::localdb {

// Borrows its values.
class FieldMerge {
  std::vector<bson::Element> fields_;
  std::unordered_map<std::string_view, std::size_t> positions_;

 public:
  void put(std::string_view key, bson::Value value) {
    charge(Meter::kStep + key.size());
    const auto [found, added] = positions_.try_emplace(key, fields_.size());
    if (added) {
      fields_.push_back({.key = key, .value = value});
    } else {
      fields_[found->second].value = value;
    }
  }
  void put_all(bson::View document) {
    for (const bson::Element& element : document) put(element.key, element.value);
  }
  [[nodiscard]] bson::Document finish() const {
    bson::Builder builder;
    for (const bson::Element& field : fields_) {
      charge(Meter::kStep + field.value.raw().size());
      builder.append_element(field);
    }
    return builder.finish();
  }
};

}  // namespace gesso::localdb
