// {customAction: ...}, shardCollection and enableSharding: databases and collections with their
// shard key, throughput and indexes.
// https://learn.microsoft.com/azure/cosmos-db/mongodb/custom-commands
#include <algorithm>
#include <array>

#include "gesso/localdb/cosmos/commands.hpp"
#include "gesso/localdb/cosmos/container.hpp"
#include "gesso/localdb/cosmos/dialect.hpp"
#include "gesso/localdb/cosmos/index_kinds.hpp"
#include "gesso/localdb/cosmos/offers.hpp"
#include "gesso/localdb/engine/names.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr int kBadName = 73;

using Specs = std::vector<std::shared_ptr<const IndexSpec>>;

CollectionPtr require_collection(const Context& context, const Transaction& at,
                                 std::string_view name) {
  CollectionPtr collection = at.find_collection(context.db, name);
  if (collection) return collection;
  throw CommandError(ErrorCode::kNamespaceNotFound,
                     "collection " + context.ns(name) + " does not exist");
}

// "No special characters or spaces are allowed."
std::string_view collection_argument(const Context& context) {
  const std::string_view name = context.arguments.string("collection");
  const bool plain = !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
  if (!plain) {
    throw CommandError(kBadName, "a collection's name has letters, digits, '_', '-' and '.' only");
  }
  check_writable(context.db, name);
  return name;
}

Specs indexes_argument(const Context& context) {
  Specs specs;
  if (!context.arguments.has("indexes")) return specs;
  for (const bson::View description : context.arguments.documents("indexes")) {
    specs.push_back(context.services.dialect.parse_index(description));
  }
  return specs;
}

void create_all(const Context& context, WriteTransaction& write, std::string_view name,
                const Specs& specs, MadeWith made_with) {
  const CosmosDialect& dialect = dialect_of(context);
  for (const auto& spec : specs) {
    if (spec->is_id_index()) continue;
    const CollectionPtr collection = write.find_collection(context.db, name);
    dialect.check_index_of(write, *collection, *spec, made_with);
    (void)write.create_index(*collection, spec);
  }
}

OfferRules rules_of(const Transaction& at, const Collection& collection, const Settings& settings) {
  return {.is_sharded = !settings.shard_key.empty(),
          .data_bytes = at.counters(collection).data_bytes,
          .highest = settings.highest};
}

void create_collection(Context& context) {
  const std::string_view name = collection_argument(context);
  Settings settings{.shard_key = std::string(context.arguments.string("shardKey"))};
  settings.set_offer(offer_of(context.arguments, {.is_sharded = !settings.shard_key.empty()}));
  const Specs specs = indexes_argument(context);
  context.services.store.write([&](WriteTransaction& write) {
    (void)write.create_collection(context.db, name, options_of(settings));
    create_all(context, write, name, specs, MadeWith::kCollection);
  });
}

void update_collection(Context& context) {
  const std::string_view name = collection_argument(context);
  const Specs specs = indexes_argument(context);
  const CosmosOptions& account = dialect_of(context).options();
  context.services.store.write([&](WriteTransaction& write) {
    const CollectionPtr collection = require_collection(context, write, name);
    Settings settings = settings_of(collection->options);
    const Offer before = container_of(write.catalog(), *collection, account).offer;
    if (const auto offer = offer_of(context.arguments, rules_of(write, *collection, settings))) {
      if (offer->autoscale != before.autoscale) {
        throw CommandError(ErrorCode::kBadValue,
                           "manual and autoscale throughput are exchanged in the portal only");
      }
      settings.set_offer(offer);
      write.change_options(*collection, options_of(settings));
    }
    if (!context.arguments.has("indexes")) return;
    for (const auto& index : collection->indexes) {
      const IndexSpec& there = spec_of(*index);
      const bool stays = there.is_id_index() || std::ranges::any_of(specs, [&](const auto& spec) {
                           return spec->fields == there.fields && spec->unique == there.unique &&
                                  spec->expire_after_seconds == there.expire_after_seconds;
                         });
      if (!stays) write.drop_index(*write.find_collection(context.db, name), there.name);
    }
    create_all(context, write, name, specs, MadeWith::kCommand);
  });
}

void get_collection(Context& context) {
  const std::string_view name = collection_argument(context);
  const ReadTransaction snapshot = context.services.store.read();
  const CollectionPtr collection = require_collection(context, snapshot, name);
  const Container container =
      container_of(snapshot.catalog(), *collection, dialect_of(context).options());
  bson::Builder& reply = context.reply;
  reply.append("database", context.db);
  reply.append("collection", name);
  if (container.is_sharded()) {
    reply.append("shardKeyDefinition", bson::make_document(container.shard_key, "hashed"));
  }
  if (!container.is_shared) append_offer(reply, container.offer);
  if (!context.arguments.flag("showIndexes")) return;
  const auto indexes = reply.array("indexes");
  for (const auto& index : collection->indexes) {
    reply.push(describe_index(spec_of(*index), context.ns(name)));
  }
}

// The settings of a database; missing where it was made without a command for it.
CollectionPtr settings_collection(const Context& context, const Transaction& at) {
  return at.catalog().find(context.db, kDatabaseSettings);
}

void create_database(Context& context) {
  Settings settings;
  settings.set_offer(offer_of(context.arguments, {.is_sharded = true}));
  context.services.store.write([&](WriteTransaction& write) {
    if (!write.catalog().collections(context.db).empty()) {
      throw CommandError(ErrorCode::kNamespaceExists,
                         "database " + std::string(context.db) + " exists");
    }
    (void)write.create_collection(context.db, kDatabaseSettings, options_of(settings));
  });
}

void update_database(Context& context) {
  context.services.store.write([&](WriteTransaction& write) {
    const CollectionPtr there = settings_collection(context, write);
    const Settings before = there ? settings_of(there->options) : Settings{};
    if (!before.offer) {
      throw CommandError(ErrorCode::kBadValue,
                         "database " + std::string(context.db) + " has no throughput of its own");
    }
    Settings settings = before;
    const auto collections = write.catalog().collections(context.db);
    const auto offer =
        offer_of(context.arguments, {.is_sharded = true,
                                     .highest = before.highest,
                                     .sharing = collections.size() - 1});  // without `there`
    if (!offer) {
      throw CommandError(ErrorCode::kBadValue,
                         "UpdateDatabase takes offerThroughput or autoScaleSettings");
    }
    if (offer->autoscale != before.offer->autoscale) {
      throw CommandError(ErrorCode::kBadValue,
                         "manual and autoscale throughput are exchanged in the portal only");
    }
    settings.set_offer(offer);
    write.change_options(*there, options_of(settings));
  });
}

void get_database(Context& context) {
  const ReadTransaction snapshot = context.services.store.read();
  if (snapshot.catalog().collections(context.db).empty()) {
    throw CommandError(ErrorCode::kNamespaceNotFound,
                       "database " + std::string(context.db) + " does not exist");
  }
  context.reply.append("database", context.db);
  const CollectionPtr there = settings_collection(context, snapshot);
  if (!there) return;
  if (const auto offer = settings_of(there->options).offer) append_offer(context.reply, *offer);
}

void get_tokens(Context& context) {
  const ReadTransaction snapshot = context.services.store.read();
  get_change_stream_tokens(context,
                           *require_collection(context, snapshot, collection_argument(context)));
}

struct Action {
  std::string_view name;
  void (*run)(Context&);
};
constexpr std::array kActions = {
    Action{"CreateCollection", create_collection}, Action{"UpdateCollection", update_collection},
    Action{"GetCollection", get_collection},       Action{"CreateDatabase", create_database},
    Action{"GetChangeStreamTokens", get_tokens},   Action{"UpdateDatabase", update_database},
    Action{"GetDatabase", get_database},
};

void run_action(Context& context) {
  const std::string_view name = context.arguments.string("customAction");
  const auto* const action = std::ranges::find(kActions, name, &Action::name);
  if (action == kActions.end()) {
    throw CommandError(ErrorCode::kBadValue, "unknown customAction: " + std::string(name));
  }
  action->run(context);
}

}  // namespace

void custom_action(Context& context) {
  try {
    run_action(context);
  } catch (const CommandError& error) {
    throw ExtensionError(error.code(), error.what());
  } catch (const StorageError& error) {
    const CommandError refusal = context.services.dialect.refusal_of(error);
    throw ExtensionError(refusal.code(), refusal.what());
  }
}

void shard_collection(Context& context) {
  const std::string_view ns = context.arguments.string("shardCollection");
  const auto [db, name] = split_namespace(ns);
  require_rights(context.services, context.client, auth::kWrite | auth::kDdl, db,
                 "shardCollection");
  check_writable(db, name);
  const bson::View key = context.arguments.document("key");
  if (key.count() != 1) {
    throw CommandError(ErrorCode::kBadValue, "a shard key is one field");
  }
  const Settings settings{.shard_key = std::string(key.begin()->key)};
  context.services.store.write([&, db = db, name = name](WriteTransaction& write) {
    (void)write.create_collection(db, name, options_of(settings));
  });
  context.reply.append("collectionsharded", ns);
}

void enable_sharding(Context& /*context*/) {}

}  // namespace gesso::localdb::cosmos
