// The documents of an array, those that match a filter, as a source.
#pragma once

#include "gesso/localdb/language/aggregate/pipeline.hpp"

namespace gesso::localdb {

// Borrows the array.
class ListSource final : public DocumentSource {
  bson::View documents_;
  Matcher matcher_;
  bson::View::Iterator next_;

 public:
  explicit ListSource(bson::Value documents, bson::View filter = {},
                      const Variables& variables = {})
      : documents_(documents.is_missing() ? bson::View() : documents.as_document()),
        matcher_(Matcher::compile(filter, variables)),
        next_(documents_.begin()) {}

  std::optional<bson::View> next() override {
    while (next_ != documents_.end()) {
      const bson::View document = next_->value.as_document();
      ++next_;
      if (matcher_.matches(document)) return document;
    }
    return std::nullopt;
  }
};

}  // namespace gesso::localdb
