// `gesso stats`: how large the database is.
#include <spdlog/fmt/fmt.h>

#include <array>

#include "gesso/cli/command.hpp"
#include "gesso/cli/database.hpp"
#include "gesso/domain/database_statistics.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::cli {
namespace {

// What a dialect does not tell is left out of the JSON, and a dash in the table.
std::string number(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "-";
}
std::string megabytes(const std::optional<double>& value) {
  return value ? fmt::format("{:.3f}", *value) : "-";
}

void print_table(std::ostream& out, const mongo::DatabaseStatistics& statistics) {
  out << "Database " << statistics.database << ", " << to_string(statistics.dialect) << " "
      << statistics.server_version << " (" << mongo::traits_of(statistics.dialect).product
      << "); sizes in MB\n\n";
  constexpr std::string_view kRow = "{:<40} {:>12} {:>12} {:>12} {:>12}\n";
  const auto row = [&](std::string_view name, const std::string& documents, const std::string& data,
                       const std::string& storage, const std::string& indexes) {
    out << fmt::format(kRow, name, documents, data, storage, indexes);
  };
  row("collection", "documents", "data", "storage", "indexes");
  for (const mongo::CollectionStatistics& collection : statistics.collections) {
    row(collection.name, number(collection.documents), megabytes(collection.data_mb),
        megabytes(collection.storage_mb), megabytes(collection.index_mb));
    if (collection.throughput) out << "  " << *collection.throughput << " RU/s\n";
    for (const mongo::IndexStatistics& index : collection.indexes) {
      out << "  " << index.name << "  " << megabytes(index.size_mb);
      if (index.uses) out << "  used " << *index.uses << " times";
      out << "\n";
    }
  }
  row("all", number(statistics.documents), megabytes(statistics.data_mb),
      megabytes(statistics.storage_mb), megabytes(statistics.index_mb));
  if (statistics.request_units) {
    out << fmt::format("To ask this cost {:.2f} RU.\n", *statistics.request_units);
  }
  for (const std::string& what : statistics.absent) {
    out << "This server does not tell the " << what << ".\n";
  }
}

ExitCode stats(const Invocation& invocation) {
  const SystemClock clock;
  SystemRandom random;
  // What asking costs is a part of the answer.
  Settings settings = clone(invocation.settings.values);
  settings.request_charge_percent = 100;
  Database database(settings, clock, random);
  database.connect();
  const auto statistics = database.service().run(
      [](mongo::Session& session) { return mongo::database_stats(session); });
  if (invocation.has("--json")) {
    invocation.out << schema::to_json(statistics) << "\n";
  } else {
    print_table(invocation.out, statistics);
  }
  return ExitCode::kOk;
}

}  // namespace

Command stats_command() {
  static constexpr auto kOptions = std::to_array<Option>(
      {{.flag = "--json", .about = "One JSON object instead of a table", .value = ""}});
  return {.name = "stats",
          .about = "Documents and sizes of every collection and index",
          .more = R"(Examples:
  gesso stats                       of the data in ./data, also while `gesso serve` runs
  gesso stats --json | python3 -m json.tool)",
          .settings = kDatabaseSettings,
          .options = kOptions,
          .run = stats};
}

}  // namespace gesso::cli
