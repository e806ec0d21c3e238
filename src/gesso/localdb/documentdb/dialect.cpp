#include "gesso/localdb/documentdb/dialect.hpp"

#include <algorithm>
#include <array>

#include "gesso/localdb/engine/context.hpp"

namespace gesso::localdb::documentdb {
namespace {

// What the gateway serves before anybody has logged in.
constexpr std::array<std::string_view, 6> kBeforeLogin = {"hello",     "isMaster",     "ismaster",
                                                          "saslStart", "saslContinue", "logout"};

// Known to be missing (documentdb/documentdb#425), or localdb's own.
constexpr std::array<std::string_view, 2> kUnknown = {"refreshSessions", "gessoUpdateThenInsert"};

template <class List>
bool holds(const List& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

}  // namespace

Presentation DocumentDbDialect::presentation() const {
  return {.max_write_batch = kMaxWriteBatch, .says_localdb = false};
}

void DocumentDbDialect::append_hello(bson::Builder& reply) const {
  reply.append("msg", "isdbgrid");
  const auto internal = reply.document("internal");
  const auto versions = reply.array("documentdb_versions");
  reply.push("0.104-0");
}

void DocumentDbDialect::check_command(std::string_view name, const Client& client) const {
  if (require_auth_ && !client.user && !holds(kBeforeLogin, name)) {
    throw CommandError(ErrorCode::kUnauthorized,
                       "Command " + std::string(name) +
                           " is not allowed as the connection is not authenticated yet.");
  }
  if (holds(kUnknown, name)) {
    throw CommandError(ErrorCode::kCommandNotSupported,
                       "Unknown request received: " + std::string(name));
  }
}

void DocumentDbDialect::check_index(const WriteTransaction& /*write*/, const Collection& collection,
                                    const IndexSpec& index) const {
  if (collection.indexes.size() + collection.building.size() >= kMaxIndexes) {
    throw CommandError(ErrorCode::kCannotCreateIndex,
                       "a collection has at most " + std::to_string(kMaxIndexes) + " indexes");
  }
  for (const IndexField& field : index.fields) {
    if (field.path.size() > kMaxIndexPath) {
      throw CommandError(
          ErrorCode::kCannotCreateIndex,
          "the path of an index has at most " + std::to_string(kMaxIndexPath) + " bytes");
    }
  }
}

}  // namespace gesso::localdb::documentdb
