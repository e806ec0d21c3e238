// localdb as it presents itself in the place of Azure DocumentDB (Cosmos DB for MongoDB vCore):
// what its hello says, what it refuses, and its limits. What it costs and how it answers otherwise
// is localdb's own, since vCore follows MongoDB.
//
// Sources: documentdb/documentdb, pg_documentdb_gw/src/processor/ismaster.rs and src/auth.rs;
// MicrosoftDocs/azure-databases-docs, articles/documentdb/limitations.md (2025-11-05). Texts that
// no source gives are said in docs/COSMOS_EMULATOR.md.
//
// Owned by whoever owns the engine, and outlives it. Const, hence thread-safe.
#pragma once

#include "gesso/localdb/engine/dialect.hpp"

namespace gesso::localdb::documentdb {

inline constexpr std::size_t kMaxWriteBatch = 25'000;
inline constexpr std::size_t kMaxIndexes = 64;  // of a collection, `_id_` too; 300 when asked for
inline constexpr std::size_t kMaxIndexPath = 256;  // bytes

class DocumentDbDialect final : public Dialect {
  const bool require_auth_;

 public:
  explicit DocumentDbDialect(bool require_auth) : require_auth_(require_auth) {}

  [[nodiscard]] Presentation presentation() const override;
  void append_hello(bson::Builder& reply) const override;
  void check_command(std::string_view name, const Client& client) const override;
  void check_index(const WriteTransaction& write, const Collection& collection,
                   const IndexSpec& index) const override;
};

}  // namespace gesso::localdb::documentdb
