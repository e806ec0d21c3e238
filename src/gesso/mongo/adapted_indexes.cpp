#include "gesso/mongo/adapted_indexes.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "gesso/bson/builder.hpp"
#include "gesso/mongo/stored_form.hpp"

namespace gesso::mongo {
namespace {

constexpr std::string_view kGuard = "it is looked at in what a query's other conditions found";
constexpr std::string_view kNotAlong =
    "nothing sorts along it, and its fields have indexes of their own";

bool is_unique_when_present(const bson::IndexSpec& spec) {
  return spec.unique && !spec.partial_filter.empty();
}

std::size_t key_count(const bson::IndexSpec& spec) { return spec.keys.view().count(); }

// Makes the indexes of one collection on a server where a compound index serves sorts alone.
class SortsOnly {
  const DialectTraits& traits_;
  std::string_view shard_key_;
  std::set<std::string, std::less<>> indexed_;  // fields that a filter finds by
  AdaptedIndexes out_;

  void make(bson::IndexSpec spec, std::string note) {
    spec.sparse = false;
    spec.name = bson::default_index_name(spec.keys);
    if (key_count(spec) == 1) indexed_.emplace(spec.leading_field());
    out_.made.push_back({std::move(spec), std::move(note)});
  }

  void make_for_filters(const bson::IndexSpec& declared, const std::string& note = {}) {
    for (const bson::Element& key : declared.keys.view()) {
      if (indexed_.contains(key.key)) continue;
      const bool alone = key_count(declared) == 1;
      make({.keys = bson::make_document(key.key, 1)},
           !note.empty() ? note
           : alone       ? std::string()
                         : "filters; a compound index serves none here");
    }
  }

  void make_ttl(bson::IndexSpec spec) {
    if (traits_.ttl_on_any_date) return make(std::move(spec), {});
    spec.keys = bson::make_document("_ts", 1);
    spec.expire_after_seconds = -1;
    make(std::move(spec), "documents expire by their own ttl, counted from their last change");
  }

  // The index with the shard key first; `note` says so where there is one.
  void make_unique(bson::IndexSpec spec, std::string note) {
    if (!shard_key_.empty() && spec.leading_field() != shard_key_) {
      bson::Builder keys;
      keys.append(shard_key_, 1).append_all(spec.keys);
      spec.keys = keys.finish();
      note +=
          std::string(note.empty() ? "" : "; ") + "unique within one " + std::string(shard_key_);
    }
    make(std::move(spec), std::move(note));
  }

  void make_unique_when_present(const bson::IndexSpec& declared) {
    const std::string field(declared.leading_field());
    if (shard_key_ == "_id") {
      return make_for_filters(declared, "not unique: the shard key is _id");
    }
    // A path leads through lists, whose elements no unique index here covers.
    if (field.find('.') != std::string::npos) {
      return make_for_filters(declared,
                              "not unique: no index here is, among the elements of lists");
    }
    if (traits_.partial_indexes) {
      make_unique(declared, {});
      indexed_.erase(field);  // it lacks the documents without the field
      return make_for_filters(declared);
    }
    bson::IndexSpec spec{.keys = bson::make_document(*surrogate_of(declared, traits_), 1),
                         .unique = true};
    make_unique(std::move(spec), "holds " + field + ", or the document's _id where it is absent");
    make_for_filters(declared);
  }

 public:
  SortsOnly(const DialectTraits& traits, std::string_view shard_key)
      : traits_(traits), shard_key_(shard_key) {
    indexed_.emplace("_id");
    if (!shard_key.empty()) indexed_.emplace(shard_key);
  }

  void declare(const CollectionIndex& index) {
    const bson::IndexSpec& spec = index.spec;
    if (spec.expire_after_seconds) return make_ttl(spec);
    if (is_unique_when_present(spec)) return make_unique_when_present(spec);
    if (spec.unique && shard_key_ == "_id") {
      return make_for_filters(spec, "not unique: the shard key is _id");
    }
    if (spec.unique) {
      make_unique(spec, {});
    } else if (key_count(spec) > 1 && index.sorts) {
      make(spec, "sorts along its whole path");
    } else if (key_count(spec) > 1) {
      out_.dropped.push_back({spec, std::string(kNotAlong)});
    }
    make_for_filters(spec, index.guards ? "filters; every query asks that it is missing" : "");
  }

  // Of a field with a unique index of its own no other is needed.
  void note_unique(const bson::IndexSpec& spec) {
    if (spec.unique && spec.partial_filter.empty() && key_count(spec) == 1 && shard_key_.empty()) {
      indexed_.emplace(spec.leading_field());
    }
  }
  [[nodiscard]] AdaptedIndexes take() && { return std::move(out_); }
};

}  // namespace

AdaptedIndexes adapt(std::span<const CollectionIndex> declared, const DialectTraits& traits,
                     std::string_view shard_key) {
  if (traits.compound_serves_filters) {
    AdaptedIndexes out;
    for (const CollectionIndex& index : declared) {
      if (index.guards) {
        out.dropped.push_back({index.spec, std::string(kGuard)});
        continue;
      }
      out.made.push_back({index.spec});
      if (index.spec.name.empty()) {
        out.made.back().spec.name = bson::default_index_name(index.spec.keys);
      }
    }
    return out;
  }
  SortsOnly indexes(traits, shard_key);
  for (const CollectionIndex& index : declared) indexes.note_unique(index.spec);
  for (const CollectionIndex& index : declared) indexes.declare(index);
  return std::move(indexes).take();
}

}  // namespace gesso::mongo
