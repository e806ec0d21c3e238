// collStats, dbStats, validate.
#include "gesso/localdb/engine/statistics.hpp"
#include "gesso/localdb/index/spec.hpp"

#include <array>

#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/tables.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr int kScaleRange = 51024;

constexpr Field kCollStatsFields[] = {
    {"collStats", kAny}, {"collstats", kAny}, {"scale", kNumber}, {"verbose", kFlag}};
constexpr Field kDbStatsFields[] = {
    {"dbStats"}, {"dbstats"}, {"scale", kNumber}, {"freeStorage", kNumber}};
constexpr Field kValidateFields[] = {{"validate", kAny, Presence::kRequired},
                                     {"full", kFlag},
                                     {"background", kFlag},
                                     {"scandata", kFlag},
                                     {"metadata", kFlag},
                                     {"checkBSONConformance", kFlag},
                                     {"repair", kFlag}};

std::int64_t scale_of(const Context& context) {
  const std::int64_t scale = context.arguments.integer("scale", 1).value_or(1);
  if (scale < 1) throw CommandError(kScaleRange, "scale has to be a number >= 1");
  return scale;
}

// Adds what `from` says to `to`.
void add(CollectionCounters& to, const CollectionCounters& from) {
  to.documents += from.documents;
  to.data_bytes += from.data_bytes;
  to.storage_bytes += from.storage_bytes;
}

std::int64_t scaled(std::uint64_t bytes, std::int64_t scale) {
  return static_cast<std::int64_t>(bytes) / scale;
}

void coll_stats(Context& context) {
  const std::string_view name = context.collection();
  const std::int64_t scale = scale_of(context);
  const ReadTransaction snapshot = context.services.store.read();
  const CollectionPtr collection = snapshot.find_collection(context.db, name);
  context.reply.append("ns", context.ns(name));
  append_storage_statistics(context.reply, snapshot, collection.get(), scale);
}

void db_stats(Context& context) {
  const std::int64_t scale = scale_of(context);
  const ReadTransaction snapshot = context.services.store.read();
  CollectionCounters sum;
  std::uint64_t index_bytes = 0;
  std::int32_t collections = 0;
  std::int32_t indexes = 0;
  for (const CollectionPtr& collection : snapshot.catalog().collections(context.db)) {
    ++collections;
    add(sum, snapshot.counters(*collection));
    for (const auto& index : collection->indexes) {
      ++indexes;
      index_bytes += snapshot.counters(*index).bytes;
    }
  }
  const Store::Stats file = context.services.store.stats(snapshot);
  bson::Builder& reply = context.reply;
  const auto size = [&](std::string_view key, std::uint64_t bytes) {
    reply.append(key, static_cast<double>(bytes) / static_cast<double>(scale));
  };
  reply.append("db", context.db);
  reply.append("collections", collections);
  reply.append("views", 0);
  reply.append("objects", static_cast<std::int64_t>(sum.documents));
  reply.append("avgObjSize", sum.documents == 0 ? 0.0
                                                : static_cast<double>(sum.data_bytes) /
                                                      static_cast<double>(sum.documents));
  size("dataSize", sum.data_bytes);
  size("storageSize", sum.storage_bytes);
  reply.append("indexes", indexes);
  size("indexSize", index_bytes);
  size("totalSize", sum.storage_bytes + index_bytes);
  reply.append("scaleFactor", scale);
  size("fsUsedSize", file.file_bytes);
  size("fsTotalSize", file.map_bytes);
}

// Reads every document and compares what is there with what the counters say.
void validate(Context& context) {
  const std::string_view name = context.collection();
  const ReadTransaction snapshot = context.services.store.read();
  const CollectionPtr collection = snapshot.find_collection(context.db, name);
  if (!collection) {
    throw CommandError(ErrorCode::kNamespaceNotFound,
                       "Collection '" + context.ns(name) + "' does not exist to validate.");
  }
  std::uint64_t records = 0;
  std::int64_t broken = 0;
  RecordCursor cursor(snapshot, *collection);
  for (bool more = cursor.first(); more; more = cursor.next()) {
    ++records;
    charge(Meter::kStep + cursor.document().size());
    if (!bson::View::validate(cursor.document().bytes())) ++broken;
  }
  std::vector<std::string> faults;
  if (broken > 0) faults.push_back(std::to_string(broken) + " documents are not BSON");
  const std::uint64_t counted = snapshot.counters(*collection).documents;
  if (counted != records) {
    faults.push_back("the counter says " + std::to_string(counted) + " documents, there are " +
                     std::to_string(records));
  }
  bson::Builder& reply = context.reply;
  reply.append("ns", context.ns(name));
  reply.append("nInvalidDocuments", broken);
  reply.append("nrecords", static_cast<std::int64_t>(records));
  reply.append("nIndexes", static_cast<std::int32_t>(collection->indexes.size()));
  {
    const auto keys = reply.document("keysPerIndex");
    for (const auto& index : collection->indexes) {
      reply.append(spec_of(*index).name,
                   static_cast<std::int64_t>(snapshot.counters(*index).entries));
    }
  }
  reply.append("valid", faults.empty());
  reply.append("repaired", false);
  reply.append("warnings", bson::make_array());
  const auto list = reply.array("errors");
  for (const std::string& fault : faults) reply.push(fault);
}

constexpr auto kSee = auth::kRead | auth::kDdl | auth::kMonitor;

constexpr std::array kCommands = {
    Command{"collStats", kCollStatsFields, coll_stats, Access::kOnDatabase, kSee},
    Command{"collstats", kCollStatsFields, coll_stats, Access::kOnDatabase, kSee},
    Command{"dbStats", kDbStatsFields, db_stats, Access::kOnDatabase, kSee},
    Command{"dbstats", kDbStatsFields, db_stats, Access::kOnDatabase, kSee},
    Command{"validate", kValidateFields, validate, Access::kOnDatabase, auth::kDdl},
};

}  // namespace

void append_storage_statistics(bson::Builder& out, const Transaction& transaction,
                               const Collection* collection, std::int64_t scale) {
  CollectionCounters counters;
  std::uint64_t index_bytes = 0;
  bson::Builder sizes;
  std::int32_t indexes = 0;
  if (collection != nullptr) {
    counters = transaction.counters(*collection);
    for (const auto& index : collection->indexes) {
      const std::uint64_t bytes = transaction.counters(*index).bytes;
      sizes.append(spec_of(*index).name, scaled(bytes, scale));
      index_bytes += bytes;
      ++indexes;
    }
  }
  out.append("size", scaled(counters.data_bytes, scale));
  out.append("count", static_cast<std::int64_t>(counters.documents));
  if (counters.documents > 0) {
    out.append("avgObjSize", static_cast<std::int64_t>(counters.data_bytes / counters.documents));
  }
  out.append("numOrphanDocs", 0);
  out.append("storageSize", scaled(counters.storage_bytes, scale));
  out.append("freeStorageSize", 0);
  out.append("capped", false);
  out.append("nindexes", indexes);
  out.append("indexBuilds", bson::make_array());
  out.append("totalIndexSize", scaled(index_bytes, scale));
  out.append("totalSize", scaled(counters.storage_bytes + index_bytes, scale));
  out.append("indexSizes", sizes.finish());
  out.append("scaleFactor", scale);
}

std::span<const Command> statistics_commands() { return kCommands; }

}  // namespace gesso::localdb
