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

// "a_1_b_-1"
std::string usual_name(bson::View key) {
  std::string name;
  for (const bson::Element& element : key) {
    if (!name.empty()) name += '_';
    name.append(element.key).append("_");
    if (const auto direction = element.value.integer()) {
      name += std::to_string(*direction);
    } else if (element.value.is_string()) {
      name += element.value.as_string();
    }
  }
  return name;
}

std::string name_of(const IndexSpec& spec) {
  return spec.name.empty() ? usual_name(spec.key) : spec.name;
}

bson::Document partial_filter_of(const IndexSpec& spec) {
  if (spec.unique_when_present.empty()) return spec.partial_filter;
  return bson::make_document(spec.unique_when_present, bson::make_document("$exists", true));
}

bool is_unique(const IndexSpec& spec) { return spec.unique || !spec.unique_when_present.empty(); }

bson::Document definition(const IndexSpec& spec) {
  bson::Builder index;
  index.append("key", spec.key).append("name", name_of(spec));
  if (is_unique(spec)) index.append("unique", true);
  if (spec.expire_after_seconds) index.append("expireAfterSeconds", *spec.expire_after_seconds);
  const bson::Document filter = partial_filter_of(spec);
  if (!filter.empty()) index.append("partialFilterExpression", filter);
  return index.finish();
}

std::string shown(bson::Value value) { return value ? bson::to_json(value) : "none"; }

// What of the options differs; "" where they agree. Names and versions do not count.
std::string difference(bson::View wanted, bson::View standing) {
  std::string text;
  const auto add = [&](std::string_view option, const std::string& wants, const std::string& is) {
    if (!text.empty()) text += "; ";
    text.append(option).append(": wanted ").append(wants).append(", stands ").append(is);
  };
  for (const std::string_view flag : {"unique", "sparse"}) {
    const bool wants = wanted[flag].truthy();
    const bool is = standing[flag].truthy();
    if (wants != is) add(flag, wants ? "true" : "false", is ? "true" : "false");
  }
  for (const std::string_view option : {"expireAfterSeconds", "partialFilterExpression"}) {
    if (!bson::equal(wanted[option], standing[option])) {
      add(option, shown(wanted[option]), shown(standing[option]));
    }
  }
  return text;
}

std::vector<bson::Document> list_indexes(Session& session, const std::string& collection) {
  std::vector<bson::Document> indexes;
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
      indexes.emplace_back(one.value.as_document());
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

bool is_id_index(bson::View standing) {
  const bson::Value key = standing["key"];
  return key.is_document() && key.as_document().count() == 1 && key.as_document().contains("_id");
}

// Compares the indexes of one collection.
void compare(const std::string& collection, const std::vector<AdaptedIndex>& wanted,
             const std::vector<bson::Document>& standing, IndexPlan& plan) {
  std::vector<bool> declared(standing.size(), false);
  for (const AdaptedIndex& index : wanted) {
    const bson::Document definition = mongo::definition(index.spec);
    const bson::Document* agrees = nullptr;
    const bson::Document* differs = nullptr;
    std::string what;
    for (std::size_t i = 0; i < standing.size(); ++i) {
      const bson::Document& one = standing[i];
      const bool same_key = bson::equal(definition["key"], one["key"]);
      const bool same_name = bson::equal(definition["name"], one["name"]);
      if (!same_key && !same_name) continue;
      declared[i] = true;
      const std::string options = difference(definition, one);
      if (same_key && options.empty()) {
        agrees = &one;
        break;
      }
      differs = &one;
      what = same_key ? options
                      : "key: wanted " + shown(definition["key"]) + ", stands " + shown(one["key"]);
    }
    if (agrees != nullptr) {
      plan.keep.push_back(index.spec);
    } else if (differs != nullptr) {
      plan.differs.push_back({index.spec, *differs, what});
    } else {
      plan.create.push_back({index.spec, index.note});
    }
  }
  for (std::size_t i = 0; i < standing.size(); ++i) {
    if (!declared[i] && !is_id_index(standing[i])) plan.extra.push_back({collection, standing[i]});
  }
}

}  // namespace

AdaptedIndex adapt(IndexSpec spec, Dialect dialect) {
  AdaptedIndex out{.spec = std::move(spec), .note = {}};
  if (out.spec.expire_after_seconds && !ttl_on_any_date(dialect)) {
    out.spec.key = bson::make_document("_ts", 1);
    out.spec.name.clear();
    out.spec.expire_after_seconds = -1;
    out.note = "documents expire by their own ttl, counted from their last change";
  }
  const bool partial = !out.spec.unique_when_present.empty() || !out.spec.partial_filter.empty();
  if (partial && !has_partial_indexes(dialect)) {
    out.spec.unique_when_present.clear();
    out.spec.partial_filter = {};
    out.spec.unique = false;
    out.note = "not unique: this server has no partial indexes";
  }
  return out;
}

IndexPlan plan_indexes(Session& session, std::span<const IndexSpec> wanted) {
  std::vector<std::string> order;  // of the declarations
  std::map<std::string, std::vector<AdaptedIndex>> by_collection;
  for (const IndexSpec& spec : wanted) {
    auto& indexes = by_collection[spec.collection];
    if (indexes.empty()) order.push_back(spec.collection);
    indexes.push_back(adapt(spec, session.dialect()));
  }
  IndexPlan plan;
  for (const std::string& collection : order) {
    const std::vector<bson::Document> standing = list_indexes(session, collection);
    // A collection that stands has at least the index of _id.
    if (standing.empty()) plan.create_collections.push_back(collection);
    compare(collection, by_collection[collection], standing, plan);
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
      (void)session.run_command(bson::make_document("createIndexes", one.spec.collection, "indexes",
                                                    bson::make_array(definition(one.spec))));
    } catch (const Error&) {
      // Another process may have made it between the plan and now: what stands decides.
      const IndexPlan now = plan_indexes(session, std::span(&one.spec, 1));
      if (now.keep.empty()) throw;
    }
  }
}

IndexPlan create_indexes(Session& session, std::span<const IndexSpec> wanted) {
  IndexPlan plan = plan_indexes(session, wanted);
  apply_indexes(session, plan);
  return plan;
}

namespace {

std::string line(std::string_view verb, const std::string& collection, bson::View index) {
  const bson::Value name = index["name"];
  std::string text = std::string(verb) + " " + collection + " ";
  text += name.is_string() ? std::string(name.as_string()) : std::string("(no name)");
  text += " " + shown(index["key"]);
  if (index["unique"].truthy()) text += " unique";
  if (index["sparse"].truthy()) text += " sparse";
  if (const auto seconds = index["expireAfterSeconds"].integer()) {
    text += " expires after " + std::to_string(*seconds) + " s";
  }
  if (const bson::Value filter = index["partialFilterExpression"])
    text += " where " + shown(filter);
  return text;
}

}  // namespace

std::string IndexPlan::to_text() const {
  std::string text;
  for (const std::string& collection : create_collections) {
    text += "create collection " + collection + "\n";
  }
  for (const Create& one : create) {
    text += line("create", one.spec.collection, definition(one.spec));
    text += one.note.empty() ? "\n" : " (" + one.note + ")\n";
  }
  for (const Differs& one : differs) {
    text += line("DIFFERS", one.wanted.collection, one.standing) + ": " + one.what + "\n";
  }
  for (const Extra& one : extra) text += line("extra", one.collection, one.standing) + "\n";
  for (const IndexSpec& spec : keep) text += line("keep", spec.collection, definition(spec)) + "\n";
  return text;
}

}  // namespace gesso::mongo
