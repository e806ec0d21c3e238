// create, drop, dropDatabase, renameCollection, listCollections, listDatabases.
#include <array>

#include "gesso/localdb/engine/authentication.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/dialect.hpp"
#include "gesso/localdb/engine/names.hpp"
#include "gesso/localdb/engine/query.hpp"
#include "gesso/localdb/engine/reply_cursor.hpp"
#include "gesso/localdb/engine/tables.hpp"
#include "gesso/localdb/index/spec.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr Field kCreateFields[] = {
    {"create", kAny, Presence::kRequired},
    {"capped", kFlag},
    {"autoIndexId", kFlag},
    {"idIndex", kObject},
    {"size", kNumber},
    {"max", kNumber},
    {"storageEngine", kObject},
    {"validator", kObject},
    {"validationLevel", kString},
    {"validationAction", kString},
    {"indexOptionDefaults", kObject},
    {"viewOn", kString},
    {"pipeline", kArray},
    {"collation", kObject},
    {"timeseries", kObject},
    {"clusteredIndex", kFlag | kObject},
    {"expireAfterSeconds", kNumber | kString},
    {"changeStreamPreAndPostImages", kObject},
    {"encryptedFields", kObject},
    {"flags", kNumber},
    {"temp", kFlag},
};
constexpr Field kDropFields[] = {{"drop", kAny, Presence::kRequired}};
constexpr Field kDropDatabaseFields[] = {{"dropDatabase", kAny, Presence::kRequired}};
constexpr Field kRenameFields[] = {{"renameCollection", kString, Presence::kRequired},
                                   {"to", kString, Presence::kRequired},
                                   {"dropTarget", kFlag},
                                   {"stayTemp", kFlag}};
constexpr Field kListCollectionsFields[] = {
    {"listCollections"}, {"filter", kObject},
    {"nameOnly", kFlag}, {"authorizedCollections", kFlag},
    {"cursor", kObject}, {"includePendingDrops", kFlag},
};
constexpr Field kListDatabasesFields[] = {
    {"listDatabases"}, {"filter", kObject}, {"nameOnly", kFlag}, {"authorizedDatabases", kFlag}};

void create(Context& context) {
  const std::string_view name = context.collection();
  check_writable(context.db, name);
  refuse_flags(context.arguments, {"capped", "validator", "viewOn", "timeseries", "clusteredIndex",
                                   "changeStreamPreAndPostImages", "encryptedFields",
                                   "expireAfterSeconds", "pipeline", "temp"});
  check_collation(context.arguments["collation"]);
  context.services.store.write([&](WriteTransaction& write) {
    // Nothing that a collection could differ by is served, so one that exists is the same one.
    (void)write.ensure_collection(context.db, name);
  });
}

void drop(Context& context) {
  const std::string_view name = context.collection();
  check_writable(context.db, name);
  const auto indexes =
      context.services.store.write([&](WriteTransaction& write) -> std::optional<std::size_t> {
        const CollectionPtr collection = write.catalog().find(context.db, name);
        if (!collection) return std::nullopt;
        (void)write.drop_collection(context.db, name);
        return collection->indexes.size();
      });
  if (!indexes) return;  // as MongoDB 7 has it, nothing to drop is no error
  context.reply.append("nIndexesWas", static_cast<std::int32_t>(*indexes));
  context.reply.append("ns", context.ns(name));
}

void drop_database(Context& context) {
  if (context.db == kUsersDatabase) {
    throw CommandError(ErrorCode::kIllegalOperation, "Cannot drop the database 'admin'");
  }
  const std::size_t dropped = context.services.store.write(
      [&](WriteTransaction& write) { return write.drop_database(context.db); });
  if (dropped > 0) context.reply.append("dropped", context.db);
}

void rename_collection(Context& context) {
  const auto [db, name] = split_namespace(context.arguments.string("renameCollection"));
  const auto [to_db, to_name] = split_namespace(context.arguments.string("to"));
  for (const std::string_view database : {db, to_db}) {
    require_rights(context.services, context.client, auth::kWrite, database, "renameCollection");
  }
  check_writable(db, name);
  check_writable(to_db, to_name);
  if (db == to_db && name == to_name) {
    throw CommandError(ErrorCode::kIllegalOperation, "Can't rename a collection to itself");
  }
  const bool drop_target = context.arguments.flag("dropTarget");
  context.services.store.write(
      [&, db = db, name = name, to_db = to_db, to_name = to_name](WriteTransaction& write) {
        const CollectionPtr source = write.find_collection(db, name);
        if (!source) {
          throw CommandError(
              ErrorCode::kNamespaceNotFound,
              "Source collection " + std::string(db) + "." + std::string(name) + " does not exist");
        }
        if (drop_target) (void)write.drop_collection(to_db, to_name);
        write.rename_collection(*source, to_db, to_name);
      });
}

bson::Document describe(const Dialect& dialect, const Collection& collection, bool name_only) {
  bson::Builder out;
  out.append("name", collection.name);
  out.append("type", "collection");
  if (name_only) return out.finish();
  out.append("options", dialect.shown_options(collection));
  {
    const auto info = out.document("info");
    out.append("readOnly", false);
    out.append("uuid", bson::Binary{.subtype = 4, .bytes = collection.uuid});
  }
  {
    const auto index = out.document("idIndex");
    out.append_all(spec_of(collection.id_index()).describe());
  }
  return out.finish();
}

void list_collections(Context& context) {
  const Matcher filter = Matcher::compile(context.arguments.document("filter"));
  const bool name_only = context.arguments.flag("nameOnly");
  const ReadTransaction snapshot = context.services.store.read();
  const Dialect& dialect = context.services.dialect;
  std::vector<bson::Document> documents;
  for (const CollectionPtr& collection : snapshot.catalog().collections(context.db)) {
    if (dialect.is_hidden(*collection)) continue;
    // The filter sees the whole description, whatever of it is shown.
    if (!filter.matches(describe(dialect, *collection, false))) continue;
    documents.push_back(describe(dialect, *collection, name_only));
  }
  reply_list(context, context.ns("$cmd.listCollections"), std::move(documents));
}

void list_databases(Context& context) {
  const Matcher filter = Matcher::compile(context.arguments.document("filter"));
  const bool name_only = context.arguments.flag("nameOnly");
  const Services& services = context.services;
  const ReadTransaction snapshot = services.store.read();
  std::int64_t total = 0;
  // Without the right to see all, a user sees the databases that he may read.
  const auth::UserPtr user = logged_in(services, context.client);
  const auto is_seen = [&](const std::string& name) {
    constexpr auth::Rights kSees = auth::kRead | auth::kDdl | auth::kMonitor;
    return !services.options.require_auth || (user && user->may(kSees, name));
  };
  {
    const auto list = context.reply.array("databases");
    for (const std::string& name : snapshot.catalog().databases()) {
      if (!is_seen(name)) continue;
      std::int64_t size = 0;
      std::uint64_t documents = 0;
      for (const CollectionPtr& collection : snapshot.catalog().collections(name)) {
        const CollectionCounters counters = snapshot.counters(*collection);
        documents += counters.documents;
        size += static_cast<std::int64_t>(counters.storage_bytes);
        for (const auto& index : collection->indexes) {
          size += static_cast<std::int64_t>(snapshot.counters(*index).bytes);
        }
      }
      const bson::Document whole =
          bson::make_document("name", name, "sizeOnDisk", size, "empty", documents == 0);
      if (!filter.matches(whole)) continue;
      context.reply.push(name_only ? bson::make_document("name", name) : whole);
      total += size;
    }
  }
  if (name_only) return;
  context.reply.append("totalSize", total);
  context.reply.append("totalSizeMb", total / (1024 * 1024));
}

constexpr auto kChange = auth::kWrite | auth::kDdl;

constexpr std::array kCommands = {
    Command{"create", kCreateFields, create, Access::kOnDatabase, kChange},
    Command{"drop", kDropFields, drop, Access::kOnDatabase, kChange},
    Command{"dropDatabase", kDropDatabaseFields, drop_database, Access::kOnDatabase, auth::kDdl},
    Command{"renameCollection", kRenameFields, rename_collection, Access::kLoggedIn},
    Command{"listCollections", kListCollectionsFields, list_collections, Access::kOnDatabase,
            auth::kRead | auth::kDdl},
    Command{"listDatabases", kListDatabasesFields, list_databases, Access::kLoggedIn},
};

}  // namespace

std::span<const Command> catalog_commands() { return kCommands; }

}  // namespace gesso::localdb
