// The states of one generation as server-sent events, to the last one.
//
//   id: 2
//   event: processing
//   data: {"id": "gen_...", "status": "processing", ...}
//
// An event's id is the generation's position (domain/generation_watch.hpp), so that a client that
// comes back with `Last-Event-ID` is told what is new. A client that reads slowly is spared the
// states in between, never the last; a silent stream carries a comment now and then, by which a
// client that has gone is noticed.
//
// Functions; thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "gesso/domain/generation_watch.hpp"
#include "gesso/http/body_stream.hpp"

namespace gesso::api {

// How a client is to see a generation. Thread-safe; must not block.
using ShowGeneration = std::function<models::Generation(const models::Generation&)>;

// Finds out whether the client may still be told, and calls with the answer, at once or from
// another thread. Thread-safe; must not block.
using AskAdmission = std::function<void(std::function<void(bool admitted)>)>;

// A body that tells of the generation's states behind `after` (-1 for all), and ends with the last,
// or when the client is no longer let in: that is asked before each event, and of a silent stream
// about once a minute. The watch must outlive the server that sends it and whoever answers `ask`,
// and so must what `show` uses.
[[nodiscard]] std::shared_ptr<http::BodySource> generation_events(domain::GenerationWatch& watch,
                                                                  const models::GenerationId& id,
                                                                  std::int64_t after,
                                                                  ShowGeneration show,
                                                                  AskAdmission ask);

}  // namespace gesso::api
