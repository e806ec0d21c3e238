#include "gesso/localdb/cosmos/container.hpp"

#include <algorithm>

#include "gesso/localdb/index/key_encoder.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr std::string_view kOptionsField = "cosmos";

// FNV-1a, mixed so that neighbours part.
std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<std::uint8_t>(byte)) * 1099511628211U;
  }
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdU;
  return hash ^ (hash >> 33);
}

}  // namespace

void Settings::set_offer(const std::optional<Offer>& wanted) {
  offer = wanted;
  if (wanted) highest = std::max(highest, wanted->ru);
}

Settings settings_of(bson::View options) {
  Settings settings;
  const bson::Value stored = options[kOptionsField];
  if (!stored.is_document()) return settings;
  const bson::View parts = stored.as_document();
  if (const bson::Value key = parts["shardKey"]; key.is_string()) {
    settings.shard_key = key.as_string();
  }
  if (const auto ru = parts["offerThroughput"].integer()) {
    settings.offer = Offer{.ru = *ru, .autoscale = parts["autoscale"].truthy()};
  }
  settings.highest = parts["highest"].integer().value_or(0);
  return settings;
}

bson::Document options_of(const Settings& settings) {
  bson::Builder out;
  {
    const auto scope = out.document(kOptionsField);
    if (!settings.shard_key.empty()) out.append("shardKey", settings.shard_key);
    if (settings.offer) {
      out.append("offerThroughput", settings.offer->ru);
      out.append("autoscale", settings.offer->autoscale);
      out.append("highest", settings.highest);
    }
  }
  return out.finish();
}

std::size_t Container::partition_of_value(bson::Value value) const {
  if (!is_sharded() || provision.partitions == 1) return 0;
  std::string encoded;
  encode_value(value, false, encoded);
  return hash_of(encoded) % provision.partitions;
}

std::size_t Container::partition_of(bson::View document) const {
  if (!is_sharded() || provision.partitions == 1) return 0;
  return partition_of_value(document.at_path(shard_key));
}

std::vector<std::size_t> Container::partitions_for(const Matcher* filter) const {
  if (!is_sharded()) return {0};
  std::vector<std::size_t> found;
  if (filter != nullptr) {
    for (const Predicate& predicate : filter->conjunction()) {
      if (predicate.path != shard_key) continue;
      if (predicate.op == PredicateOp::kEq) return {partition_of_value(predicate.operand)};
      if (predicate.op != PredicateOp::kIn) continue;
      for (const auto& [key, value] : predicate.operand.as_document()) {
        found.push_back(partition_of_value(value));
      }
      std::ranges::sort(found);
      found.erase(std::ranges::unique(found).begin(), found.end());
      return found;
    }
  }
  for (std::size_t i = 0; i < provision.partitions; ++i) found.push_back(i);
  return found;
}

std::size_t partitions_of(const Offer& offer) {
  const std::int64_t each = offer.autoscale ? 10'000 : 6'000;
  return static_cast<std::size_t>(std::max<std::int64_t>(1, (offer.ru + each - 1) / each));
}

Container container_of(const Catalog& catalog, const Collection& collection,
                       const CosmosOptions& account) {
  Settings settings = settings_of(collection.options);
  if (settings.shard_key.empty()) {
    const auto forced = std::ranges::find(account.sharded, collection.name,
                                          &std::pair<std::string, std::string>::first);
    if (forced != account.sharded.end()) settings.shard_key = forced->second;
  }
  Container container{.shard_key = std::move(settings.shard_key),
                      .offer = {.ru = account.ru, .autoscale = account.autoscale},
                      .provision = {.owner = collection.ns()}};
  if (settings.offer) {
    container.offer = *settings.offer;
  } else if (const CollectionPtr shared = catalog.find(collection.database, kDatabaseSettings)) {
    if (const auto offer = settings_of(shared->options).offer) {
      container.offer = *offer;
      container.is_shared = true;
      container.provision.owner = collection.database;
    }
  }
  container.provision.ru = static_cast<double>(container.offer.ru);
  if (container.is_sharded() || container.is_shared) {
    container.provision.partitions = account.partitions > 0
                                         ? static_cast<std::size_t>(account.partitions)
                                         : partitions_of(container.offer);
  }
  return container;
}

}  // namespace gesso::localdb::cosmos
