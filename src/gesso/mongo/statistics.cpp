#include "gesso/mongo/statistics.hpp"

#include <algorithm>

#include "gesso/bson/builder.hpp"

namespace gesso::mongo {
namespace {

constexpr int kUnauthorized = 13;
constexpr int kCommandNotFound = 59;
constexpr int kCommandNotSupported = 115;

std::optional<double> megabytes(bson::Value bytes) {
  if (!bytes.is_number()) return std::nullopt;
  return bytes.number() / (1024.0 * 1024.0);
}

// The reply, or an empty one where the server has no such command or does not allow it.
bson::Document ask(Session& session, bson::View command) {
  try {
    return session.run_command(command);
  } catch (const Error& error) {
    const int code = error.server_code();
    if (code == kUnauthorized || code == kCommandNotFound || code == kCommandNotSupported) {
      return {};
    }
    throw;
  }
}

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

CollectionStatistics collection_stats(Session& session, const std::string& name) {
  CollectionStatistics out{.name = name};
  const bson::Document stats = ask(session, bson::make_document("collStats", name));
  out.documents = stats["count"].integer();
  if (!out.documents) out.documents = session.count(name, bson::Document());
  out.data_mb = megabytes(stats["size"]);
  out.storage_mb = megabytes(stats["storageSize"]);
  out.index_mb = megabytes(stats["totalIndexSize"]);
  if (const bson::Value sizes = stats["indexSizes"]; sizes.is_document()) {
    for (const bson::Element& index : sizes.as_document()) {
      out.indexes.push_back({std::string(index.key), megabytes(index.value)});
    }
  } else {
    const bson::Document listed = ask(session, bson::make_document("listIndexes", name));
    if (const bson::Value batch = listed.view().at_path("cursor.firstBatch"); batch.is_array()) {
      for (const bson::Element& index : batch.as_document()) {
        out.indexes.push_back(
            {std::string(index.value.as_document()["name"].as_string()), std::nullopt});
      }
    }
  }
  std::sort(out.indexes.begin(), out.indexes.end(),
            [](const auto& left, const auto& right) { return left.name < right.name; });
  return out;
}

}  // namespace

DatabaseStatistics database_stats(Session& session) {
  DatabaseStatistics out{.database = session.database(), .dialect = session.dialect()};
  const bson::Document build = ask(session, bson::make_document("buildInfo", 1));
  if (const bson::Value version = build["version"]; version.is_string()) {
    out.server_version = version.as_string();
  }
  const bson::Document whole = ask(session, bson::make_document("dbStats", 1));
  out.documents = whole["objects"].integer();
  out.data_mb = megabytes(whole["dataSize"]);
  out.storage_mb = megabytes(whole["storageSize"]);
  out.index_mb = megabytes(whole["indexSize"]);
  for (const std::string& name : collection_names(session)) {
    out.collections.push_back(collection_stats(session, name));
  }
  return out;
}

}  // namespace gesso::mongo
