#include "gesso/mongo/indexes.hpp"

#include <algorithm>
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
                              const std::vector<bson::IndexSpec>& existing) {
  if (!is_plain(index.spec)) return nullptr;
  const auto found = std::ranges::find_if(all, [&](const AdaptedIndex& other) {
    if (!is_plain(other.spec) || !begins_with(other.spec, index.spec)) return false;
    const Standing standing = standing_of(other.spec, existing);
    return standing.differs == nullptr;
  });
  return found == all.end() ? nullptr : &*found;
}

// Compares the indexes of one collection.
void compare(const std::string& collection, const std::vector<AdaptedIndex>& wanted,
             const std::vector<bson::IndexSpec>& existing, bool may_spare, IndexPlan& plan) {
  std::vector<bool> declared(existing.size(), false);
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
        may_spare && standing.differs == nullptr ? served_by(index, wanted, existing) : nullptr;
    if (longer != nullptr) {
      plan.spared.push_back({here, longer->spec.name, standing.agrees != nullptr});
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

}  // namespace

AdaptedIndex adapt(bson::IndexSpec spec, Dialect dialect) {
  AdaptedIndex out{.spec = std::move(spec)};
  if (out.spec.expire_after_seconds && !ttl_on_any_date(dialect)) {
    out.spec.keys = bson::make_document("_ts", 1);
    out.spec.name.clear();
    out.spec.expire_after_seconds = -1;
    out.note = "documents expire by their own ttl, counted from their last change";
  }
  if (!out.spec.partial_filter.empty() && !has_partial_indexes(dialect)) {
    out.spec.partial_filter = {};
    out.spec.unique = false;
    out.note = "not unique: this server has no partial indexes";
  }
  if (out.spec.name.empty()) out.spec.name = bson::default_index_name(out.spec.keys);
  return out;
}

IndexPlan plan_indexes(Session& session, std::span<const CollectionIndex> wanted) {
  std::vector<std::string> order;  // of the declarations
  std::map<std::string, std::vector<AdaptedIndex>> by_collection;
  for (const CollectionIndex& index : wanted) {
    auto& indexes = by_collection[index.collection];
    if (indexes.empty()) order.push_back(index.collection);
    indexes.push_back(adapt(index.spec, session.dialect()));
  }
  IndexPlan plan;
  for (const std::string& collection : order) {
    const std::vector<bson::IndexSpec> existing = list_indexes(session, collection);
    // A collection that exists has at least the index of _id.
    if (existing.empty()) plan.create_collections.push_back(collection);
    compare(collection, by_collection[collection], existing, serves_prefixes(session.dialect()),
            plan);
  }
  return plan;
}

void apply_indexes(Session& session, const IndexPlan& plan) {
  for (const std::string& collection : plan.create_collections) {
    // First, since an index that makes its collection makes it without a shard key.
    try {
      (void)session.run_command(bson::make_document("create", collection));
    } catch (const Error& error) {
      if (error.server_code() != kNamespaceExists) throw;
    }
  }
  // One at a time: each can be judged alone, and on Azure a failure undoes nothing of the others.
  for (const IndexPlan::Create& one : plan.create) {
    try {
      (void)session.run_command(bson::make_document("createIndexes", one.index.collection,
                                                    "indexes",
                                                    bson::make_array(to_bson(one.index.spec))));
    } catch (const Error&) {
      // Another process may have made it between the plan and now: what is there decides.
      const IndexPlan now = plan_indexes(session, std::span(&one.index, 1));
      if (now.keep.empty()) throw;
    }
  }
}

IndexPlan create_indexes(Session& session, std::span<const CollectionIndex> wanted) {
  IndexPlan plan = plan_indexes(session, wanted);
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
    text += "create collection " + collection + "\n";
  }
  for (const Create& one : create) {
    add("create", one.index.collection, one.index.spec,
        one.note.empty() ? "" : " (" + one.note + ")");
  }
  for (const Differs& one : differs) {
    add("DIFFERS", one.wanted.collection, one.existing, ": " + one.what);
  }
  for (const Spared& one : spared) {
    add("spare", one.index.collection, one.index.spec,
        " (" + one.served_by + " serves it too" +
            (one.exists ? "; the server has it, and dropping it makes writes cheaper)" : ")"));
  }
  for (const CollectionIndex& one : extra) add("extra", one.collection, one.spec, "");
  for (const CollectionIndex& one : keep) add("keep", one.collection, one.spec, "");
  return text;
}

}  // namespace gesso::mongo
