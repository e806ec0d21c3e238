// Updates: operators, whole replacements and pipelines, compiled once and applied to documents.
//
// An Update owns what it needs of its specification; `const` calls are thread-safe. Pure, never
// blocks: what is stored afterwards, and whether it fits, is the caller's business.
#pragma once

#include <memory>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/empty_timestamp.hpp"
#include "gesso/localdb/language/match/matcher.hpp"

namespace gesso::localdb {

class Update {
 public:
  class Impl;

 private:
  std::unique_ptr<const Impl> impl_;

  explicit Update(std::unique_ptr<const Impl> impl);

 public:
  struct Applied {
    bson::Document document;
    bool changed = false;  // whether its bytes differ
  };

  // `spec` is a document (operators, or a replacement) or an array (a pipeline); `array_filters` an
  // array or missing. `empty` is about replacements, the other forms keep a Timestamp(0, 0). Throws
  // CommandError with MongoDB's code for what is no update.
  [[nodiscard]] static Update compile(bson::Value spec, bson::Value array_filters = {},
                                      const Variables& variables = {},
                                      EmptyTimestamps empty = EmptyTimestamps::kReplace);

  Update(Update&&) noexcept;
  Update& operator=(Update&&) noexcept;
  ~Update();

  [[nodiscard]] bool is_replacement() const noexcept;
  [[nodiscard]] bool is_pipeline() const noexcept;

  // What becomes of `document`. `query`, where given, is what found it: it says which element the
  // positional `$` means. `now` is for $currentDate and empty timestamps. The `_id` stays first and
  // stays as it is (CommandError 66 otherwise).
  [[nodiscard]] Applied apply(bson::View document, const Matcher* query, Time now) const;

  // The document that an upsert inserts when nothing matched: the equalities of the query, then
  // this update with $setOnInsert. Without `_id` when neither determines it.
  [[nodiscard]] bson::Document upsert(const Matcher& query, Time now) const;
};

}  // namespace gesso::localdb
