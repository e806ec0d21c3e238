// createIndexes, listIndexes, dropIndexes, and collMod for the time of a TTL index.
#include <algorithm>
#include <array>

#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/dialect.hpp"
#include "gesso/localdb/engine/names.hpp"
#include "gesso/localdb/engine/reply_cursor.hpp"
#include "gesso/localdb/engine/tables.hpp"
#include "gesso/localdb/index/spec.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/storage/index_build.hpp"

namespace gesso::localdb {
namespace {

constexpr int kAmbiguousIndexKeyPattern = 181;

constexpr Field kCreateFields[] = {
    {"createIndexes", kAny, Presence::kRequired},
    {"indexes", kArray, Presence::kRequired},
    {"commitQuorum"},
    {"ignoreUnknownIndexOptions", kFlag},
};
constexpr Field kListFields[] = {{"listIndexes", kAny, Presence::kRequired}, {"cursor", kObject}};
constexpr Field kDropFields[] = {
    {"dropIndexes", kAny},
    {"deleteIndexes", kAny},
    {"index", kString | kObject | kArray, Presence::kRequired},
};
constexpr Field kModifyFields[] = {{"collMod", kAny, Presence::kRequired}, {"index", kObject}};
constexpr Field kModifyIndexFields[] = {
    {"name", kString}, {"keyPattern", kObject}, {"expireAfterSeconds", kNumber}};

[[noreturn]] void no_namespace(const std::string& ns) {
  throw CommandError(ErrorCode::kNamespaceNotFound, "ns does not exist: " + ns);
}

[[noreturn]] void no_index(const std::string& what) {
  throw CommandError(ErrorCode::kIndexNotFound, "index not found with " + what);
}

// A collection with fewer documents has its indexes made in one operation of the writer; in a
// larger one they are built beside other writes.
constexpr std::uint64_t kBuildAtOnce = 1000;

// What one operation of the writer made of createIndexes.
struct IndexStep {
  std::size_t before = 0;
  std::size_t after = 0;
  bool made_collection = false;
  std::uint32_t collection = 0;
  std::vector<std::uint32_t> to_build;
  bool others_build = false;  // one of the indexes is being built by another command
};

bool is_being_built(const Collection& collection, const IndexSpec& spec) {
  return std::ranges::any_of(collection.building, [&](const auto& index) {
    return compare_specs(spec_of(*index), spec) == SpecRelation::kIdentical;
  });
}

IndexStep begin_indexes(WriteTransaction& write, std::string_view db, std::string_view name,
                        const Dialect& dialect,
                        const std::vector<std::shared_ptr<const IndexSpec>>& specs) {
  IndexStep step;
  CollectionPtr collection = write.find_collection(db, name);
  step.made_collection = collection == nullptr;
  if (!collection) collection = write.create_collection(db, name);
  step.collection = collection->id;
  step.before = collection->indexes.size();
  const bool at_once = write.counters(*collection).documents <= kBuildAtOnce;
  for (const auto& spec : specs) {
    collection = write.find_collection(db, name);
    dialect.check_index(write, *collection, *spec);
    if (is_being_built(*collection, *spec)) {
      step.others_build = true;
    } else if (at_once) {
      (void)write.create_index(*collection, spec);
    } else if (const auto id = write.begin_index(*collection, spec)) {
      step.to_build.push_back(*id);
    }
  }
  step.after = write.find_collection(db, name)->indexes.size();
  return step;
}

void create_indexes(Context& context) {
  const std::string_view name = context.collection();
  check_writable(context.db, name);
  const Dialect& dialect = context.services.dialect;
  std::vector<std::shared_ptr<const IndexSpec>> specs;
  for (const bson::View description : context.arguments.documents("indexes")) {
    specs.push_back(dialect.parse_index(description));
  }
  if (specs.empty()) {
    throw CommandError(ErrorCode::kBadValue, "Must specify at least one index to create");
  }
  Services& services = context.services;
  const auto check_interrupt = [&] { context.operation.check(); };
  check_interrupt();
  std::optional<IndexStep> first;
  for (;;) {
    const std::uint64_t builds_before = services.index_builds.ended();
    IndexStep step = services.store.write([&](WriteTransaction& write) {
      return begin_indexes(write, context.db, name, dialect, specs);
    });
    if (!first) first = step;
    if (!step.to_build.empty()) {
      const IndexBuilds::Scope build(services.index_builds);
      build_indexes(services.store, step.collection, step.to_build,
                    {.check_interrupt = check_interrupt});
      step.after += step.to_build.size();
    }
    first->after = step.after;
    if (!step.others_build) break;
    services.index_builds.wait(builds_before, check_interrupt);
  }
  bson::Builder& reply = context.reply;
  reply.append("numIndexesBefore", static_cast<std::int32_t>(first->before));
  reply.append("numIndexesAfter", static_cast<std::int32_t>(first->after));
  reply.append("createdCollectionAutomatically", first->made_collection);
  if (first->before == first->after) reply.append("note", "all indexes already exist");
}

void list_indexes(Context& context) {
  const std::string_view name = context.collection();
  const ReadTransaction snapshot = context.services.store.read();
  const CollectionPtr collection = snapshot.find_collection(context.db, name);
  if (!collection) no_namespace(context.ns(name));
  std::vector<bson::Document> documents;
  for (const auto& index : collection->indexes) documents.push_back(spec_of(*index).describe());
  reply_list(context, context.ns(name), std::move(documents));
}

// The names that one `index` of dropIndexes stands for.
std::vector<std::string> selected(const Collection& collection, bson::Value selector) {
  std::vector<std::string> names;
  if (selector.is_array()) {
    for (const auto& [key, value] : selector.as_document()) {
      check_type("dropIndexes.index", value, kString);
      names.emplace_back(value.as_string());
    }
  } else if (selector.is_document()) {
    const Index* index = collection.index_by_key(selector.as_document());
    if (index == nullptr) no_index("the given key");
    const auto alike = std::ranges::count_if(collection.indexes, [&](const auto& other) {
      return spec_of(*other).fields == spec_of(*index).fields;
    });
    if (alike > 1) {
      throw CommandError(kAmbiguousIndexKeyPattern,
                         std::to_string(alike) + " indexes have that key; name the one to drop");
    }
    names.push_back(spec_of(*index).name);
  } else if (selector.as_string() != "*") {
    names.emplace_back(selector.as_string());
  } else {
    for (const auto& index : collection.indexes) {
      if (!spec_of(*index).is_id_index()) names.push_back(spec_of(*index).name);
    }
  }
  for (const std::string& name : names) {
    if (collection.index_by_name(name) == nullptr) no_index("name [" + name + "]");
  }
  return names;
}

void drop_indexes(Context& context) {
  const std::string_view name = context.collection();
  check_writable(context.db, name);
  const bson::Value selector = context.arguments["index"];
  const std::size_t before = context.services.store.write([&](WriteTransaction& write) {
    const CollectionPtr collection = write.find_collection(context.db, name);
    if (!collection) {
      throw CommandError(ErrorCode::kNamespaceNotFound, "ns not found " + context.ns(name));
    }
    for (const std::string& index : selected(*collection, selector)) {
      write.drop_index(*write.find_collection(context.db, name), index);
    }
    return collection->indexes.size();
  });
  context.reply.append("nIndexesWas", static_cast<std::int32_t>(before));
  if (selector.is_string() && selector.as_string() == "*") {
    context.reply.append("msg", "non-_id indexes dropped for collection");
  }
}

void modify_collection(Context& context) {
  const std::string_view name = context.collection();
  check_writable(context.db, name);
  if (!context.arguments.has("index")) {
    throw CommandError(ErrorCode::kCommandNotSupported,
                       "collMod changes expireAfterSeconds of an index only");
  }
  const Arguments change("collMod.index", kModifyIndexFields, context.arguments.document("index"));
  const std::optional<std::int64_t> seconds = change.integer("expireAfterSeconds", 0);
  if (!seconds || change.has("name") == change.has("keyPattern")) {
    throw CommandError(ErrorCode::kInvalidOptions,
                       "collMod.index takes expireAfterSeconds and one of name and keyPattern");
  }
  if (*seconds < 0 || *seconds > INT32_MAX) {
    throw CommandError(
        ErrorCode::kInvalidOptions,
        "TTL index 'expireAfterSeconds' option must be within an acceptable range, 0 "
        "to 2147483647, but is " +
            std::to_string(*seconds));
  }
  const std::optional<std::int64_t> before =
      context.services.store.write([&](WriteTransaction& write) {
        const CollectionPtr collection = write.find_collection(context.db, name);
        if (!collection) no_namespace(context.ns(name));
        const Index* index = change.has("name")
                                 ? collection->index_by_name(change.string("name"))
                                 : collection->index_by_key(change.document("keyPattern"));
        if (index == nullptr) no_index("what collMod names");
        IndexSpec changed = spec_of(*index);
        const std::optional<std::int64_t> previous =
            std::exchange(changed.expire_after_seconds, *seconds);
        if (!previous) {
          throw CommandError(ErrorCode::kInvalidOptions,
                             "index " + changed.name + " has no expireAfterSeconds to change");
        }
        write.change_index(*collection, changed.name, std::make_shared<const IndexSpec>(changed));
        return previous;
      });
  if (before) context.reply.append("expireAfterSeconds_old", *before);
  context.reply.append("expireAfterSeconds_new", *seconds);
}

constexpr auto kChange = auth::kWrite | auth::kDdl;

constexpr std::array kCommands = {
    Command{"createIndexes", kCreateFields, create_indexes, Access::kOnDatabase, kChange},
    Command{"listIndexes", kListFields, list_indexes, Access::kOnDatabase,
            auth::kRead | auth::kDdl},
    Command{"dropIndexes", kDropFields, drop_indexes, Access::kOnDatabase, kChange},
    Command{"deleteIndexes", kDropFields, drop_indexes, Access::kOnDatabase, kChange},
    Command{"collMod", kModifyFields, modify_collection, Access::kOnDatabase, auth::kDdl},
};

}  // namespace

std::span<const Command> index_commands() { return kCommands; }

}  // namespace gesso::localdb
