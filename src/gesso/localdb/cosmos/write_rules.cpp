#include "gesso/localdb/cosmos/write_rules.hpp"

#include <algorithm>
#include <vector>

#include "gesso/localdb/cosmos/codes.hpp"
#include "gesso/localdb/cosmos/container.hpp"
#include "gesso/localdb/cosmos/dialect.hpp"

namespace gesso::localdb::cosmos {
namespace {

struct Statement {
  bson::Value filter;
  bson::Value update;
};

// Whether a filter binds the field by equality.
bool binds(bson::View filter, std::string_view key) {
  return std::any_of(filter.begin(), filter.end(), [&](const bson::Element& element) {
    if (element.key == "$and" && element.value.is_array()) {
      const bson::View branches = element.value.as_document();
      return std::any_of(branches.begin(), branches.end(), [&](const bson::Element& branch) {
        return branch.value.is_document() && binds(branch.value.as_document(), key);
      });
    }
    if (element.key != key) return false;
    if (!element.value.is_document() || element.value.as_document().empty()) return true;
    const bson::View conditions = element.value.as_document();
    return !conditions.begin()->key.starts_with('$') || conditions.contains("$eq");
  });
}

bool has_key(const Statement& statement, std::string_view key) {
  if (statement.filter.is_document() && binds(statement.filter.as_document(), key)) return true;
  if (!statement.update.is_document()) return false;
  const bson::View update = statement.update.as_document();
  if (update.empty() || !update.begin()->key.starts_with('$')) return bool(update.at_path(key));
  return std::any_of(update.begin(), update.end(), [&](const bson::Element& element) {
    const bool sets = element.key == "$set" || element.key == "$setOnInsert";
    return sets && element.value.is_document() && element.value.as_document().contains(key);
  });
}

std::vector<Statement> statements_of(const Call& call) {
  const bson::View body = call.message.body;
  std::vector<Statement> found;
  if (call.name == "findAndModify" || call.name == "findandmodify") {
    return {{.filter = body["query"], .update = body["update"]}};
  }
  if (call.name != "update" && call.name != "delete") return found;
  const auto add = [&](bson::View one) {
    found.push_back({.filter = one["q"], .update = one["u"]});
  };
  const bson::Value list = body[call.name == "update" ? "updates" : "deletes"];
  if (list.is_array()) {
    for (const auto& [key, one] : list.as_document()) {
      if (one.is_document()) add(one.as_document());
    }
  }
  for (const wire::Sequence& sequence : call.message.sequences) {
    for (const bson::View one : sequence.documents) add(one);
  }
  return found;
}

}  // namespace

void check_shard_key(const Call& call) {
  const std::vector<Statement> statements = statements_of(call);
  const bson::Value name = call.message.body.begin()->value;
  if (statements.empty() || !name.is_string()) return;
  const ReadTransaction snapshot = call.services.store.read();
  const CollectionPtr collection = snapshot.find_collection(call.db, name.as_string());
  if (!collection) return;
  const auto& dialect = static_cast<const CosmosDialect&>(call.services.dialect);
  const Container container = container_of(snapshot.catalog(), *collection, dialect.options());
  if (!container.is_sharded()) return;
  for (const Statement& statement : statements) {
    if (has_key(statement, container.shard_key)) continue;
    throw CommandError(kShardKeyNotFound,
                       "a retryable write needs the shard key in its filter or its update: " +
                           container.shard_key);
  }
}

}  // namespace gesso::localdb::cosmos
