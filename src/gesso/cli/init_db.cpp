// `gesso init-db`: the collections and indexes that the models declare.
#include <array>

#include "gesso/cli/command.hpp"
#include "gesso/cli/database.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/repositories/indexes.hpp"

namespace gesso::cli {
namespace {

ExitCode init_db(const Invocation& invocation) {
  const SystemClock clock;
  SystemRandom random;
  Database database(invocation.settings.values, clock, random);
  database.connect();
  const auto specs = repositories::declared_indexes();
  const mongo::CollectionOptions collections = collection_options(invocation.settings.values);
  const bool only_plan = invocation.has("--plan");
  const mongo::IndexPlan plan = database.service().run([&](mongo::Session& session) {
    return only_plan ? mongo::plan_indexes(session, specs, collections)
                     : mongo::create_indexes(session, specs, collections);
  });
  const mongo::DialectTraits& server = database.service().traits();
  invocation.out << (only_plan ? "Plan for " : "Done in ") << database.description() << " ("
                 << server.product << "):\n"
                 << plan.to_text();
  return plan.refused.empty() ? ExitCode::kOk : ExitCode::kFailure;
}

}  // namespace

Command init_db_command() {
  static constexpr auto kOptions = std::to_array<Option>(
      {{.flag = "--plan", .about = "Say what would be done, and change nothing", .value = ""}});
  return {.name = "init-db",
          .about = "Make the collections and indexes that the models declare",
          .more = R"(Examples:
  gesso init-db --plan
  GESSO_MONGODB_URI='mongodb://host/' gesso init-db

Safe to repeat and to run from many machines at once. An index that stands otherwise than declared
is reported and left; none is ever dropped. On Azure Cosmos DB (RU) collections are made with
GESSO_COSMOS_THROUGHPUT and, with GESSO_COSMOS_SHARDED, their shard keys; a unique index that is
missing where documents stand already is refused, with what to do, and the exit status is 1.)",
          .settings = kDatabaseSettings,
          .options = kOptions,
          .run = init_db};
}

}  // namespace gesso::cli
