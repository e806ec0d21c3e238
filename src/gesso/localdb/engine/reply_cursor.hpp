// The `cursor` of a reply: the first batch, and the cursor that is kept for the rest.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/cursor.hpp"

namespace gesso::localdb {

struct FirstBatch {
  std::string ns;
  std::optional<std::size_t> batch_size;  // 101 where the client does not say
  bool single = false;
  bool never_expires = false;
};

// Appends {cursor: {firstBatch, id, ns}}. `source` is attached, and is detached here.
void reply_cursor(Context& context, std::unique_ptr<BatchSource> source, const FirstBatch& options);
// The same over documents that are all there, `cursor: {batchSize}` taken from the arguments.
void reply_list(Context& context, std::string ns, std::vector<bson::Document> documents);

// `batchSize` of the arguments' `cursor` document. Throws CommandError for what is none.
[[nodiscard]] std::optional<std::size_t> cursor_batch_size(const Context& context);

}  // namespace gesso::localdb
