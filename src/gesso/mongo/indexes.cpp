#include "gesso/mongo/indexes.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/compare.hpp"
#include "gesso/bson/json.hpp"

namespace gesso::mongo {
namespace {

constexpr int kNamespaceNotFound = 26;
constexpr int kNamespaceExists = 48;

std::vector<bson::IndexSpec> list_indexes(Session& session, const std::string& collection) {
  std::vector<bson::IndexSpec> indexes;
  bson::Document reply;
  try {
    reply = session.run_command(bson::make_document("listIndexes", collection));
  } catch (const Error& error) {
    if (error.server_code() == kNamespaceNotFound) return indexes;
    throw;
  }
  const auto take = [&](bson::Value batch) {
    if (!batch.is_array()) return;
    for (const bson::Element& one : batch.as_document()) {
      indexes.push_back(bson::read_index_spec(one.value.as_document()));
    }
  };
  take(reply.view().at_path("cursor.firstBatch"));
  // 64 indexes, the most there may be, fit in one batch of 101; servers that send fewer at a time
  // keep a cursor.
  while (reply.view().at_path("cursor.id").integer().value_or(0) != 0) {
    const std::int64_t cursor = *reply.view().at_path("cursor.id").integer();
    reply = session.run_command(bson::make_document("getMore", cursor, "collection", collection));
    take(reply.view().at_path("cursor.nextBatch"));
  }
  return indexes;
}

bool is_id_index(const bson::IndexSpec& index) {
  return index.keys.view().count() == 1 && index.keys.contains("_id");
}

// Whether nothing but its keys, each in one direction, says which documents it holds and in what
// order.
bool is_plain(const bson::IndexSpec& index) {
  return !index.unique && !index.sparse && !index.expire_after_seconds &&
         index.partial_filter.empty() &&
         std::ranges::all_of(index.keys.view(), [](const bson::Element& key) {
           return key.value.is_number();  // others are of another kind: "hashed", "text"
         });
}

// Whether `longer` has the keys of `index`, in their order and directions, and others behind them.
bool begins_with(const bson::IndexSpec& longer, const bson::IndexSpec& index) {
  if (longer.keys.view().count() <= index.keys.view().count()) return false;
  const auto same = [](const bson::Element& left, const bson::Element& right) {
    return left.key == right.key && bson::compare(left.value, right.value) == 0;
  };
  return std::equal(index.keys.view().begin(), index.keys.view().end(), longer.keys.view().begin(),
                    same);
}

// What the server has of a wanted index.
struct Standing {
  const bson::IndexSpec* agrees = nullptr;
  const bson::IndexSpec* differs = nullptr;  // the same keys or the same name, and something else
  std::string what = {};
};

Standing standing_of(const bson::IndexSpec& wanted, const std::vector<bson::IndexSpec>& existing) {
  Standing found;
  for (const bson::IndexSpec& one : existing) {
    const bool same_keys = have_same_keys(wanted, one);
    if (!same_keys && wanted.name != one.name) continue;
    const std::string options = differing_options(wanted, one);
    if (same_keys && options.empty()) return {.agrees = &one};
    found.differs = &one;
    found.what = same_keys ? options
                           : "key: wanted " + bson::to_json(wanted.keys) + ", stands " +
                                 bson::to_json(one.keys);
  }
  return found;
}

// Null where none of them serves it: what the server has otherwise will not be made.
const AdaptedIndex* served_by(const AdaptedIndex& index, const std::vector<AdaptedIndex>& all,
                              const std::vector<bson::IndexSpec>& existing,
                              const DialectTraits& traits) {
  if (!is_plain(index.spec)) return nullptr;
  // Where compound indexes serve sorts alone, one of a single field is there for its filters. A
  // sort is sent along the longest path (query/served.hpp), so others serve nothing that it does
  // not.
  if (!traits.compound_serves_filters && index.spec.keys.view().count() == 1) return nullptr;
  const auto found = std::ranges::find_if(all, [&](const AdaptedIndex& other) {
    if (!is_plain(other.spec) || !begins_with(other.spec, index.spec)) return false;
    const Standing standing = standing_of(other.spec, existing);
    return standing.differs == nullptr;
  });
  return found == all.end() ? nullptr : &*found;
}

// Whether an index leaves no two documents a value that the other keeps unique.
bool keeps_unique(const bson::IndexSpec& existing, const bson::IndexSpec& wanted) {
  return existing.unique && have_same_keys(existing, wanted) &&
         (existing.partial_filter.empty() || existing.partial_filter == wanted.partial_filter);
}

// Compares the indexes of one collection.
void compare(const std::string& collection, const AdaptedIndexes& adapted,
             const std::vector<bson::IndexSpec>& existing, const DialectTraits& traits,
             IndexPlan& plan) {
  const std::vector<AdaptedIndex>& wanted = adapted.made;
  std::vector<bool> declared(existing.size(), false);
  for (const DroppedIndex& dropped : adapted.dropped) {
    const bson::IndexSpec* const agrees = standing_of(dropped.spec, existing).agrees;
    if (agrees != nullptr) declared[static_cast<std::size_t>(agrees - existing.data())] = true;
    plan.spared.push_back({{collection, dropped.spec}, dropped.why, agrees != nullptr});
  }
  for (const AdaptedIndex& index : wanted) {
    const CollectionIndex here{collection, index.spec};
    Standing standing = standing_of(index.spec, existing);
    for (std::size_t i = 0; i < existing.size(); ++i) {
      const bson::IndexSpec& one = existing[i];
      if (standing.agrees != nullptr
              ? &one == standing.agrees
              : have_same_keys(index.spec, one) || index.spec.name == one.name) {
        declared[i] = true;
      }
    }
    const AdaptedIndex* const longer =
        standing.differs == nullptr ? served_by(index, wanted, existing, traits) : nullptr;
    if (longer != nullptr) {
      plan.spared.push_back(
          {here, longer->spec.name + " serves it too", standing.agrees != nullptr});
    } else if (standing.agrees != nullptr) {
      plan.keep.push_back(here);
    } else if (standing.differs != nullptr) {
      plan.differs.push_back({here, *standing.differs, std::move(standing.what)});
    } else {
      plan.create.push_back({here, index.note});
    }
  }
  for (std::size_t i = 0; i < existing.size(); ++i) {
    if (!declared[i] && !is_id_index(existing[i])) plan.extra.push_back({collection, existing[i]});
  }
}

// Says of every unique index that is missing where documents stand that it cannot be made.
void refuse_unique_over_documents(Session& session, IndexPlan& plan) {
  std::map<std::string, bool> holds_documents;
  const auto is_full = [&](const std::string& collection) {
    if (std::ranges::find(plan.create_collections, collection) != plan.create_collections.end()) {
      return false;
    }
    const auto [at, added] = holds_documents.try_emplace(collection, false);
    if (added) at->second = session.find_one(collection, bson::Document()).has_value();
    return at->second;
  };
  std::erase_if(plan.create, [&](IndexPlan::Create& one) {
    if (!one.index.spec.unique || !is_full(one.index.collection)) return false;
    plan.refused.push_back(
        {std::move(one.index),
         "the server makes a unique index only while the collection is empty, and " +
             one.index.collection +
             " holds documents; copy them to another collection, drop this one, run init-db, and "
             "copy them back, with unique_FIELD set where such a field is indexed"});
    return true;
  });
}

// https://learn.microsoft.com/azure/cosmos-db/mongodb/custom-commands
void append_throughput(bson::Builder& command, const Throughput& throughput) {
  if (throughput.request_units == 0) return;
  const auto units = static_cast<std::int32_t>(throughput.request_units);
  if (throughput.autoscale) {
    command.append("autoScaleSettings", bson::make_document("maxThroughput", units));
  } else {
    command.append("offerThroughput", units);
  }
}

// A collection there may need its database to be there first.
void create_database(Session& session) {
  try {
    (void)session.run_command(bson::make_document("customAction", "GetDatabase"));
  } catch (const Error& missing) {
    if (missing.retryable() || missing.kind() == ErrorKind::kAuth) throw;
    try {
      (void)session.run_command(bson::make_document("customAction", "CreateDatabase"));
    } catch (const Error& error) {
      // Another process may have been faster.
      if (error.retryable() || error.kind() == ErrorKind::kAuth) throw;
      (void)session.run_command(bson::make_document("customAction", "GetDatabase"));
    }
  }
}

// Whether the index went out with the command that made its collection.
bool is_made_with_its_collection(Session& session, const CollectionIndex& index,
                                 const IndexPlan& plan) {
  return session.traits().extension_commands &&
         std::ranges::find(plan.create_collections, index.collection) !=
             plan.create_collections.end();
}

void create_by_extension(Session& session, const std::string& collection, const IndexPlan& plan) {
  bson::Builder command;
  command.append("customAction", "CreateCollection").append("collection", collection);
  if (const auto key = plan.collections.shard_key_of(collection); !key.empty()) {
    command.append("shardKey", key);
  }
  append_throughput(command, plan.collections.throughput);
  {
    const auto indexes = command.array("indexes");
    command.push(bson::make_document("key", bson::make_document("_id", 1), "name", "_id_"));
    for (const IndexPlan::Create& one : plan.create) {
      if (one.index.collection == collection) command.push(to_bson(one.index.spec));
    }
  }
  try {
    (void)session.run_command(command.finish());
  } catch (const Error&) {
    // No error of its own says that it is there already: another process was faster, with the same
    // indexes.
    const std::vector<bson::IndexSpec> now = list_indexes(session, collection);
    const bool all = std::ranges::all_of(plan.create, [&](const IndexPlan::Create& one) {
      return one.index.collection != collection ||
             standing_of(one.index.spec, now).agrees != nullptr;
    });
    if (now.empty() || !all) throw;
  }
}

}  // namespace

std::optional<Throughput> parse_throughput(std::string_view text) {
  constexpr std::string_view kAutoscale = "autoscale:";
  Throughput out{.autoscale = text.starts_with(kAutoscale)};
  if (out.autoscale) text.remove_prefix(kAutoscale.size());
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), out.request_units);
  const std::int64_t step = out.autoscale ? 1000 : 100;
  constexpr std::int64_t kLeast = 400;
  constexpr std::int64_t kMost = 1'000'000;
  if (error != std::errc{} || end != text.data() + text.size() || out.request_units < kLeast ||
      out.request_units > kMost || out.request_units % step != 0) {
    return std::nullopt;
  }
  return out;
}

IndexPlan plan_indexes(Session& session, std::span<const CollectionIndex> wanted,
                       const CollectionOptions& collections) {
  std::vector<std::string> order;  // of the declarations
  std::map<std::string, std::vector<CollectionIndex>> by_collection;
  for (const CollectionIndex& index : wanted) {
    auto& indexes = by_collection[index.collection];
    if (indexes.empty()) order.push_back(index.collection);
    indexes.push_back(index);
  }
  const DialectTraits& traits = session.traits();
  IndexPlan plan;
  plan.collections = collections;
  for (const std::string& collection : order) {
    const std::vector<bson::IndexSpec> existing = list_indexes(session, collection);
    // A collection that exists has at least the index of _id.
    if (existing.empty()) plan.create_collections.push_back(collection);
    compare(collection,
            adapt(by_collection[collection], traits, collections.shard_key_of(collection)),
            existing, traits, plan);
  }
  if (!traits.unique_over_documents) refuse_unique_over_documents(session, plan);
  return plan;
}

void require_unique(const IndexPlan& plan) {
  const auto fail = [](const CollectionIndex& index, const std::string& why) {
    throw Error(ErrorKind::kConflict, "two documents of " + index.collection +
                                          " could have one value of what " + index.spec.name +
                                          " keeps unique: " + why);
  };
  for (const IndexPlan::Refused& one : plan.refused) {
    if (one.index.spec.unique) fail(one.index, one.why);
  }
  for (const IndexPlan::Differs& one : plan.differs) {
    if (!one.wanted.spec.unique || keeps_unique(one.existing, one.wanted.spec)) continue;
    fail(one.wanted, "the index " + one.existing.name + " stands there instead (" + one.what +
                         "); drop it, and run init-db");
  }
}

void apply_indexes(Session& session, const IndexPlan& plan) {
  if (!plan.create_collections.empty() && session.traits().extension_commands) {
    create_database(session);
  }
  for (const std::string& collection : plan.create_collections) {
    // First, since an index that makes its collection makes it without a shard key.
    if (session.traits().extension_commands) {
      create_by_extension(session, collection, plan);
      continue;
    }
    try {
      (void)session.run_command(bson::make_document("create", collection));
    } catch (const Error& error) {
      if (error.server_code() != kNamespaceExists) throw;
    }
  }
  // One at a time: each can be judged alone, and on Azure a failure undoes nothing of the others.
  for (const IndexPlan::Create& one : plan.create) {
    if (is_made_with_its_collection(session, one.index, plan)) continue;
    try {
      (void)session.run_command(bson::make_document("createIndexes", one.index.collection,
                                                    "indexes",
                                                    bson::make_array(to_bson(one.index.spec))));
    } catch (const Error&) {
      // Another process may have made it between the plan and now: what is there decides.
      const std::vector<bson::IndexSpec> now = list_indexes(session, one.index.collection);
      if (standing_of(one.index.spec, now).agrees == nullptr) throw;
    }
  }
}

IndexPlan create_indexes(Session& session, std::span<const CollectionIndex> wanted,
                         const CollectionOptions& collections) {
  IndexPlan plan = plan_indexes(session, wanted, collections);
  apply_indexes(session, plan);
  return plan;
}

std::string IndexPlan::to_text() const {
  std::string text;
  const auto add = [&](std::string_view verb, const std::string& collection,
                       const bson::IndexSpec& spec, const std::string& remark) {
    text += std::string(verb) + " " + collection + " " + bson::to_text(spec) + remark + "\n";
  };
  for (const std::string& collection : create_collections) {
    text += "create collection " + collection;
    if (const auto key = collections.shard_key_of(collection); !key.empty()) {
      text.append(" sharded by ").append(key);
    }
    if (const Throughput& limit = collections.throughput; limit.request_units != 0) {
      text += (limit.autoscale ? " with up to " : " with ") + std::to_string(limit.request_units) +
              " RU/s";
    }
    text += "\n";
  }
  for (const Create& one : create) {
    add("create", one.index.collection, one.index.spec,
        one.note.empty() ? "" : " (" + one.note + ")");
  }
  for (const Differs& one : differs) {
    add("DIFFERS", one.wanted.collection, one.existing, ": " + one.what);
  }
  for (const Refused& one : refused) {
    add("REFUSED", one.index.collection, one.index.spec, ": " + one.why);
  }
  for (const Spared& one : spared) {
    add("spare", one.index.collection, one.index.spec,
        " (" + one.why +
            (one.exists ? "; the server has it, and dropping it makes writes cheaper)" : ")"));
  }
  for (const CollectionIndex& one : extra) add("extra", one.collection, one.spec, "");
  for (const CollectionIndex& one : keep) add("keep", one.collection, one.spec, "");
  return text;
}

}  // namespace gesso::mongo
