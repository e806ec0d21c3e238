#include "gesso/localdb/engine/reply_cursor.hpp"
#include "gesso/localdb/engine/dialect.hpp"

namespace gesso::localdb {
namespace {

constexpr Field kCursorFields[] = {{"batchSize", kNumber}};

}  // namespace

void reply_cursor(Context& context, std::unique_ptr<BatchSource> source,
                  const FirstBatch& options) {
  bson::Builder& reply = context.reply;
  const auto scope = reply.document("cursor");
  bool more = false;
  {
    const auto batch = reply.array("firstBatch");
    more = append_batch(reply, *source,
                        {.documents = options.batch_size.value_or(BatchLimits::kFirstBatch),
                         .bytes = context.services.dialect.presentation().max_batch_bytes()});
  }
  std::int64_t id = 0;
  if (more && !options.single) {
    source->detach();
    auto cursor = std::make_unique<Cursor>();
    cursor->ns = options.ns;
    cursor->user = context.user_id();
    cursor->never_expires = options.never_expires;
    const Deadline& deadline = context.operation.deadline;
    if (deadline.is_set()) cursor->time_left = deadline.remaining();
    cursor->session = context.operation.session();
    cursor->source = std::move(source);
    if (context.ledger != nullptr) cursor->watches = context.ledger->hand_over();
    id = context.services.cursors.add(std::move(cursor));
  }
  reply.append("id", id);
  reply.append("ns", options.ns);
}

void reply_list(Context& context, std::string ns, std::vector<bson::Document> documents) {
  reply_cursor(context, std::make_unique<KeptDocuments>(std::move(documents)),
               {.ns = std::move(ns), .batch_size = cursor_batch_size(context)});
}

std::optional<std::size_t> cursor_batch_size(const Context& context) {
  const Arguments cursor("cursor", kCursorFields, context.arguments.document("cursor"));
  const std::optional<std::int64_t> size = cursor.integer("batchSize", 0);
  if (!size) return std::nullopt;
  return static_cast<std::size_t>(*size);
}

}  // namespace gesso::localdb
