// What stands between an execution and the records that it reads, where a server's documents are
// not simply what is stored: it hides some, shows others in another form, and counts what was read.
//
// One for each query; shared by the execution and by whoever keeps count. Used by one thread at a
// time.
#pragma once

#include <optional>

#include "gesso/bson/view.hpp"

namespace gesso::localdb {

class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  virtual ~Watch() = default;

  // What the query sees of a stored record, valid until the next call; std::nullopt for nothing.
  [[nodiscard]] virtual std::optional<bson::View> examine(bson::View stored) = 0;
  // The execution yielded a document, or took the last one back.
  virtual void given(bson::View document) = 0;
  virtual void taken_back(bson::View document) = 0;
  // What was read since the last time is accounted for now.
  virtual void settle() = 0;
  // The query is begun anew by another one: it is not accounted for.
  virtual void cancel() = 0;
};

}  // namespace gesso::localdb
