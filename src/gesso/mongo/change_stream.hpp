// The changes of a collection, as its server tells them: `$changeStream`, in the form that its
// dialect takes. Of each change only the document's `_id` is told; who wants more reads it.
//
// Follows from the moment at which it is made, which comes after the server's answer: who reads
// then, and listens from then on, misses nothing. Where the connection breaks, the driver goes on
// once from the last token; what it cannot mend is thrown, and then this is made anew.
//
// Holds its session's lease, and its connection while it waits: a unit of work that follows changes
// keeps its worker for as long. Must not outlive the session. Not thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "gesso/bson/builder.hpp"
#include "gesso/mongo/session.hpp"

namespace gesso::mongo {

class ChangeStream {
  class Impl;
  std::unique_ptr<Impl> impl_;

 public:
  // REQUIRES: the service `has_change_streams`. Throws Error, of whatever kind the server's refusal
  // is. `patience` is how long the server waits for a change before it answers that there is none.
  ChangeStream(Session& session, std::string_view collection, std::chrono::milliseconds patience);
  ~ChangeStream();
  ChangeStream(const ChangeStream&) = delete;
  ChangeStream& operator=(const ChangeStream&) = delete;

  // {_id: ...} of the next document that was changed, replaced or, where the server tells that,
  // deleted; std::nullopt where nothing has happened within `patience`. One change may come twice.
  // Blocks; has a deadline of its own, a few seconds beyond `patience`, whatever the unit's is.
  // Throws Error.
  [[nodiscard]] std::optional<bson::Document> next();
};

}  // namespace gesso::mongo
