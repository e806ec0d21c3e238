#include "gesso/mongo/statistics.hpp"

#include <algorithm>
#include <array>

#include "gesso/bson/builder.hpp"

namespace gesso::mongo {
namespace {

constexpr std::string_view kDatabaseSizes = "sizes of the database (dbStats)";
constexpr std::string_view kCollectionSizes = "sizes of collections and indexes (collStats)";
constexpr std::string_view kThroughput = "throughput of collections (GetCollection)";
constexpr std::string_view kIndexUse = "use of indexes ($indexStats)";

std::optional<double> megabytes(bson::Value bytes) {
  if (!bytes.is_number()) return std::nullopt;
  return bytes.number() / (1024.0 * 1024.0);
}

// Whether the server has no such command or stage, or does not allow it.
bool is_refusal(const Error& error) {
  constexpr std::array kCodes{
      13,     // Unauthorized
      59,     // CommandNotFound
      115,    // CommandNotSupported
      238,    // NotImplemented
      8000,   // AtlasError
      40324,  // Unrecognized pipeline stage name
  };
  return std::ranges::find(kCodes, error.server_code()) != kCodes.end();
}

// Asks what a server may not tell, and remembers what it did not.
class Asking {
  Session& session_;
  std::vector<std::string>& absent_;

 public:
  Asking(Session& session, std::vector<std::string>& absent) : session_(session), absent_(absent) {}

  [[nodiscard]] Session& session() const { return session_; }

  // The reply, or an empty one. `what` is what is absent then; "" is not worth telling.
  bson::Document ask(bson::View command, std::string_view what = {}) {
    try {
      return session_.run_command(command);
    } catch (const Error& error) {
      if (!is_refusal(error)) throw;
      if (!what.empty() && std::ranges::find(absent_, what) == absent_.end()) {
        absent_.emplace_back(what);
      }
      return {};
    }
  }
  [[nodiscard]] bool is_absent(std::string_view what) const {
    return std::ranges::find(absent_, what) != absent_.end();
  }
};

std::vector<std::string> collection_names(Session& session) {
  std::vector<std::string> names;
  bson::Document reply =
      session.run_command(bson::make_document("listCollections", 1, "nameOnly", true));
  const auto take = [&](bson::Value batch) {
    if (!batch.is_array()) return;
    for (const bson::Element& one : batch.as_document()) {
      const bson::View collection = one.value.as_document();
      const std::string_view name = collection["name"].as_string();
      const bson::Value type = collection["type"];
      const bool view = type.is_string() && type.as_string() == "view";
      if (!view && !name.starts_with("system.")) names.emplace_back(name);
    }
  };
  take(reply.view().at_path("cursor.firstBatch"));
  while (reply.view().at_path("cursor.id").integer().value_or(0) != 0) {
    const std::int64_t cursor = *reply.view().at_path("cursor.id").integer();
    reply = session.run_command(
        bson::make_document("getMore", cursor, "collection", "$cmd.listCollections"));
    take(reply.view().at_path("cursor.nextBatch"));
  }
  std::sort(names.begin(), names.end());
  return names;
}

void add_index_use(Asking& asking, CollectionStatistics& of) {
  if (asking.is_absent(kIndexUse)) return;
  const bson::Document reply = asking.ask(
      bson::make_document("aggregate", of.name, "pipeline",
                          bson::make_array(bson::make_document("$indexStats", bson::Document())),
                          "cursor", bson::Document()),
      kIndexUse);
  const bson::Value batch = reply.view().at_path("cursor.firstBatch");
  if (!batch.is_array()) return;
  for (const bson::Element& one : batch.as_document()) {
    const bson::View entry = one.value.as_document();
    const bson::Value name = entry["name"];
    const auto index = name.is_string()
                           ? std::ranges::find(of.indexes, name.as_string(), &IndexStatistics::name)
                           : of.indexes.end();
    if (index == of.indexes.end()) continue;
    index->uses = entry.at_path("accesses.ops").integer();
    if (const bson::Value since = entry.at_path("accesses.since"); since.is(bson::Type::kDate)) {
      index->uses_since = since.as_date();
    }
  }
}

CollectionStatistics collection_stats(Asking& asking, const std::string& name) {
  CollectionStatistics out{.name = name};
  const bson::Document stats = asking.ask(bson::make_document("collStats", name), kCollectionSizes);
  out.documents = stats["count"].integer();
  if (!out.documents) out.documents = asking.session().count(name, bson::Document());
  out.data_mb = megabytes(stats["size"]);
  out.storage_mb = megabytes(stats["storageSize"]);
  out.index_mb = megabytes(stats["totalIndexSize"]);
  if (const bson::Value sizes = stats["indexSizes"]; sizes.is_document()) {
    for (const bson::Element& index : sizes.as_document()) {
      out.indexes.push_back({std::string(index.key), megabytes(index.value)});
    }
  } else {
    const bson::Document listed = asking.ask(bson::make_document("listIndexes", name));
    if (const bson::Value batch = listed.view().at_path("cursor.firstBatch"); batch.is_array()) {
      for (const bson::Element& index : batch.as_document()) {
        out.indexes.push_back(
            {std::string(index.value.as_document()["name"].as_string()), std::nullopt});
      }
    }
  }
  if (asking.session().traits().extension_commands) {
    const bson::Document settings = asking.ask(
        bson::make_document("customAction", "GetCollection", "collection", name), kThroughput);
    out.throughput = settings.view().at_path("autoScaleSettings.maxThroughput").integer();
    if (!out.throughput) out.throughput = settings["provisionedThroughput"].integer();
  }
  std::ranges::sort(out.indexes, {}, &IndexStatistics::name);
  add_index_use(asking, out);
  return out;
}

}  // namespace

DatabaseStatistics database_stats(Session& session) {
  DatabaseStatistics out{.database = session.database(), .dialect = session.dialect()};
  Asking asking(session, out.absent);
  const bson::Document build = asking.ask(bson::make_document("buildInfo", 1));
  if (const bson::Value version = build["version"]; version.is_string()) {
    out.server_version = version.as_string();
  }
  const bson::Document whole = asking.ask(bson::make_document("dbStats", 1), kDatabaseSizes);
  out.documents = whole["objects"].integer();
  out.data_mb = megabytes(whole["dataSize"]);
  out.storage_mb = megabytes(whole["storageSize"]);
  out.index_mb = megabytes(whole["indexSize"]);
  for (const std::string& name : collection_names(session)) {
    out.collections.push_back(collection_stats(asking, name));
  }
  if (const auto charge = session.request_charge()) out.request_units = charge->request_units;
  return out;
}

}  // namespace gesso::mongo
