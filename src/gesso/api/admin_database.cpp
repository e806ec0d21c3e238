// The database, as an administrator sees it.
#include "gesso/api/operations.hpp"
#include "gesso/domain/database_statistics.hpp"

namespace gesso::api {
namespace {

Result<mongo::DatabaseStatistics> get_database_statistics(DatabaseCall& call, const NoInput&) {
  return mongo::database_stats(call.session);
}

constexpr Operation kOperations[] = {
    operation<get_database_statistics>(
        {.path = "/api/v1/admin/database",
         .id = "getDatabaseStatistics",
         .tag = "Administration",
         .summary = "How large the database is, by collection, and how much its indexes are used.",
         .scope = Scope::kAdmin}),
};

}  // namespace

Operations admin_database_operations() { return kOperations; }

}  // namespace gesso::api
