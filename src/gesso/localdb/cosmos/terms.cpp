#include "gesso/localdb/cosmos/terms.hpp"

#include <algorithm>

#include "gesso/localdb/cosmos/index_kinds.hpp"

namespace gesso::localdb::cosmos {
namespace {

// Of one index. `keys` is reused.
std::size_t terms_in(const Index& index, bson::View document, KeySet& keys) {
  if (const auto* wildcard = dynamic_cast<const WildcardIndex*>(index.keys.get())) {
    return wildcard->terms_of(document);
  }
  if (dynamic_cast<const TimeToLiveIndex*>(index.keys.get()) != nullptr) return 0;
  if (index.keys->field_count() > 1) return 1;
  keys.clear();
  index.keys->keys_of(document, keys);
  const bool is_multikey = !keys.multikey.empty() && keys.multikey.front();
  // A missing field has the key of null.
  if (!is_multikey && !document.at_path(spec_of(index).fields.front().path)) return 0;
  return keys.keys.size();
}

}  // namespace

std::size_t terms_of(const Collection& collection, const Container& container,
                     bson::View document) {
  std::size_t terms = 0;
  bool has_key_index = container.shard_key == "_id";
  KeySet keys;
  for (const auto& index : collection.indexes) {
    terms += terms_in(*index, document, keys);
    has_key_index = has_key_index || (serves_filters(*index) &&
                                      spec_of(*index).fields.front().path == container.shard_key);
  }
  return terms + (container.is_sharded() && !has_key_index ? 1 : 0);
}

std::size_t changed_terms(const Collection& collection, bson::View before, bson::View after) {
  std::size_t changed = 0;
  KeySet old_keys;
  KeySet new_keys;
  for (const auto& index : collection.indexes) {
    if (dynamic_cast<const TimeToLiveIndex*>(index->keys.get()) != nullptr) continue;
    old_keys.clear();
    new_keys.clear();
    index->keys->keys_of(before, old_keys);
    index->keys->keys_of(after, new_keys);
    const auto missing_from = [](const KeySet& from, const KeySet& of) {
      return static_cast<std::size_t>(std::ranges::count_if(of.keys, [&](const std::string& key) {
        return !std::ranges::binary_search(from.keys, key);
      }));
    };
    changed += std::max(missing_from(old_keys, new_keys), missing_from(new_keys, old_keys));
  }
  return changed;
}

}  // namespace gesso::localdb::cosmos
