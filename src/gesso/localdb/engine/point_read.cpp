#include "gesso/localdb/engine/point_read.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "gesso/base/meter.hpp"
#include "gesso/localdb/engine/context.hpp"

namespace gesso::localdb {
namespace {

constexpr std::size_t kMostProjections = 8;
constexpr std::size_t kLongestSpecification = 1024;
constexpr std::size_t kRecordCost = 64;  // to the meter, beside the document

// The value of `{_id: value}`, where it stands for itself; a missing one for any other filter.
bson::Value sought_id(bson::View filter) {
  auto element = filter.begin();
  if (element == filter.end() || element->key != "_id") return {};
  const bson::Value id = element->value;
  if (++element != filter.end()) return {};
  switch (id.type()) {
    case bson::Type::kString:
    case bson::Type::kObjectId:
    case bson::Type::kInt32:
    case bson::Type::kInt64:
    case bson::Type::kBinary:
    case bson::Type::kDate:
      return id;
    default:
      return {};
  }
}

bool asks_for_more(bson::View command) {
  constexpr auto kUnderstood = std::to_array<std::string_view>(
      {"find", "filter", "projection", "limit", "singleBatch", "maxTimeMS", "$db", "lsid",
       "$clusterTime", "$readPreference", "readConcern", "comment"});
  for (const bson::Element& element : command) {
    if (std::ranges::find(kUnderstood, element.key) == kUnderstood.end()) return true;
  }
  return false;
}

// Fields that are taken or left, and nothing to compute.
bool is_plain(bson::View specification) {
  for (const bson::Element& element : specification) {
    const bool plain = element.value.is_number() || element.value.is(bson::Type::kBool);
    if (!plain || element.key.find('$') != std::string_view::npos) return false;
  }
  return true;
}

}  // namespace

const Projection* RecentProjections::find(bson::View specification) {
  for (const Entry& entry : entries_) {
    if (std::ranges::equal(entry.specification.view().bytes(), specification.bytes())) {
      return &entry.projection;
    }
  }
  if (specification.size() > kLongestSpecification || !is_plain(specification)) return nullptr;
  Entry entry{.specification = bson::Document(specification),
              .projection = Projection::compile(specification)};
  if (entries_.size() < kMostProjections) {
    return &entries_.emplace_back(std::move(entry)).projection;
  }
  Entry& place = entries_[oldest_++ % kMostProjections];
  place = std::move(entry);
  return &place.projection;
}

bool answer_point_read(Context& context) {
  const Arguments& arguments = context.arguments;
  const bson::Value id = sought_id(arguments.document("filter"));
  if (!id || asks_for_more(context.body)) return false;
  (void)arguments.integer("limit", 0);
  const Projection* projection = nullptr;
  if (const bson::View wanted = arguments.document("projection"); !wanted.empty()) {
    projection = context.client.projections.find(wanted);
    if (projection == nullptr) return false;
  }
  const std::string_view name = context.collection();
  const ReadTransaction snapshot = context.services.store.read();
  const CollectionPtr collection = snapshot.find_collection(context.db, name);
  std::optional<Record> found;
  if (collection) found = snapshot.find_by_id(*collection, id);

  bson::Builder& reply = context.reply;
  const auto cursor = reply.document("cursor");
  {
    const auto batch = reply.array("firstBatch");
    if (found) {
      charge(kRecordCost + found->document.size() / 4);
      if (projection == nullptr || projection->is_identity()) {
        reply.push(found->document);
      } else {
        reply.push(projection->apply(found->document));
      }
    }
  }
  reply.append("id", std::int64_t{0});
  reply.append("ns", context.ns(name));
  return true;
}

}  // namespace gesso::localdb
