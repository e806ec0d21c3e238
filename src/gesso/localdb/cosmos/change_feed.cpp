#include "gesso/localdb/cosmos/change_feed.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "gesso/base/base64.hpp"
#include "gesso/base/meter.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/localdb/cosmos/query_watch.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr std::size_t kPageDocuments = 100;
// More than a token takes, and an event's place in an array.
constexpr std::size_t kTokenBytes = 512;
constexpr std::uint32_t kWholeRange = 0x10000;

[[noreturn]] void bad(const std::string& text) { throw CommandError(ErrorCode::kBadValue, text); }

// The beginning of a partition's range of hashes; "" and "FF" for the ends.
std::string range_edge(std::size_t partition, std::size_t partitions) {
  if (partition == 0) return "";
  if (partition == partitions) return "FF";
  std::string text(4, '0');
  auto rest = static_cast<std::uint32_t>(kWholeRange * partition / partitions);
  for (std::size_t i = 4; i-- > 0; rest /= 16) text[i] = "0123456789ABCDEF"[rest % 16];
  return text;
}

// Its number again; -1 for what is none.
double edge_of(std::string_view text) {
  if (text.empty()) return 0;
  if (text == "FF") return kWholeRange;
  std::uint32_t edge = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), edge, 16);
  return fault == std::errc() && end == text.data() + text.size() ? edge : -1;
}

void append_continuation(bson::Builder& out, const FeedPlace& place) {
  const auto list = out.array("Continuation");
  out.push(bson::make_document(
      "FeedRange",
      bson::make_document(
          "type", "Effective Partition Key Range", "value",
          bson::make_document("min", range_edge(place.partition, place.partitions), "max",
                              range_edge(place.partition + 1, place.partitions))),
      "State",
      bson::make_document("type", "continuation", "value",
                          "\"" + std::to_string(place.behind) + "\"")));
}

Stamp stamp_of_text(std::string_view text) {
  if (text.size() < 3) bad("the resume token has no continuation");
  text = text.substr(1, text.size() - 2);
  Stamp stamp = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), stamp);
  if (fault != std::errc() || end != text.data() + text.size()) {
    bad("the resume token's continuation is no number");
  }
  return stamp;
}

std::string_view text_at(bson::View document, std::string_view path) {
  const bson::Value value = document.at_path(path);
  if (!value.is_string()) bad("the resume token has no " + std::string(path));
  return value.as_string();
}

struct Change {
  Stamp stamp;
  RecordId record;
};

std::vector<Change> changes_behind(const Transaction& transaction, const Collection& collection,
                                   const Container& container, const FeedPlace& place) {
  std::vector<Change> changes;
  Container split = container;  // as it was when the token was made
  split.provision.partitions = place.partitions;
  RecordCursor cursor(transaction, collection);
  for (bool more = cursor.first(); more; more = cursor.next()) {
    charge(cursor.document().size() + Meter::kStep);
    const Stamp stamp = stamp_in(cursor.document());
    if (stamp <= place.behind) continue;
    const bool elsewhere =
        place.partitions > 1 && split.partition_of(cursor.document()) != place.partition;
    if (!elsewhere) changes.push_back({stamp, cursor.id()});
  }
  std::ranges::sort(changes, {}, &Change::stamp);
  if (changes.size() > kPageDocuments) changes.resize(kPageDocuments);
  return changes;
}

// An event without its token.
bson::Document event_of(const Collection& collection, const Container& container,
                        bson::View document) {
  bson::Builder out;
  out.append("fullDocument", document);
  out.append("ns", bson::make_document("db", collection.database, "coll", collection.name));
  {
    const auto key = out.document("documentKey");
    if (container.is_sharded() && container.shard_key != "_id") {
      out.append(container.shard_key, document.at_path(container.shard_key));
    }
    out.append("_id", document["_id"]);
  }
  return out.finish();
}

// Whether a condition is the one on operationType, which has to name all three.
bool names_operations(bson::Value condition) {
  if (!condition.is_document()) return false;
  const bson::Value list = condition.as_document()["$in"];
  if (!list.is_array()) return false;
  constexpr std::array<std::string_view, 3> kOperations = {"insert", "update", "replace"};
  const bson::View given = list.as_document();
  return std::ranges::all_of(kOperations, [&](std::string_view wanted) {
    return std::any_of(given.begin(), given.end(), [&](const bson::Element& element) {
      return element.value.is_string() && element.value.as_string() == wanted;
    });
  });
}

// The conditions of $match without that one; whether it was there.
bool take_filter(bson::View match, bson::Builder& rest) {
  bool found = false;
  for (const bson::Element& element : match) {
    if (element.key == "operationType") {
      found = names_operations(element.value);
    } else if (element.key == "$and" && element.value.is_array()) {
      for (const auto& [key, branch] : element.value.as_document()) {
        if (branch.is_document()) found = take_filter(branch.as_document(), rest) || found;
      }
    } else {
      rest.append_element(element);
    }
  }
  return found;
}

bool projects_events(bson::View projection) {
  constexpr std::array<std::string_view, 4> kFields = {"_id", "fullDocument", "ns", "documentKey"};
  return projection.count() == kFields.size() &&
         std::ranges::all_of(kFields,
                             [&](std::string_view field) { return projection[field].truthy(); });
}

FeedPlace place_of_options(bson::View options) {
  for (const std::string_view key : {"resumeAfter", "startAfter"}) {
    if (options[key].is_document()) return place_of(options[key].as_document());
  }
  if (const bson::Value start = options["startAtOperationTime"]; start.is(bson::Type::kTimestamp)) {
    return {.behind = Stamp{start.as_timestamp().seconds} * 1'000'000 - 1};
  }
  return {};
}

}  // namespace

bson::Document token_of(const FeedPlace& place) {
  bson::Builder out;
  out.append("V", 2);
  out.append("Rid", "localdb");
  append_continuation(out, place);
  const std::string data = base64_encode(bson::to_json(out.finish()));
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(data.data());
  return bson::make_document("_data", bson::Binary{.subtype = 0, .bytes = {bytes, data.size()}},
                             "_kind", 1);
}

FeedPlace place_of(bson::View token) {
  const bson::Value data = token["_data"];
  if (!data.is(bson::Type::kBinary)) bad("a resume token has _data, which is binary");
  const auto bytes = data.as_binary().bytes;
  const auto text = base64_decode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!text) bad("the resume token's _data is no base64");
  bson::Document parsed;
  try {
    parsed = bson::from_json(*text);
  } catch (const std::exception&) {
    bad("the resume token's _data is no JSON");
  }
  FeedPlace place{.behind = stamp_of_text(text_at(parsed, "Continuation.0.State.value"))};
  const std::string_view low = text_at(parsed, "Continuation.0.FeedRange.value.min");
  const std::string_view high = text_at(parsed, "Continuation.0.FeedRange.value.max");
  if (low.empty() && high == "FF") return place;
  const double begin = edge_of(low);
  const double width = edge_of(high) - begin;
  const bool is_width = width > 0 && width <= kWholeRange;
  if (is_width) {
    place.partitions = static_cast<std::size_t>(std::lround(kWholeRange / width));
    place.partition = static_cast<std::size_t>(
        std::lround(begin * static_cast<double>(place.partitions) / kWholeRange));
  }
  const bool is_range = is_width && range_edge(place.partition, place.partitions) == low &&
                        range_edge(place.partition + 1, place.partitions) == high;
  if (!is_range) bad("the resume token's range is none of a partition's");
  return place;
}

FeedPage next_page(const Transaction& transaction, const Collection& collection,
                   const Container& container, const Matcher& filter, Time now,
                   std::size_t most_bytes, FeedPlace& place) {
  const std::vector<Change> changes = changes_behind(transaction, collection, container, place);
  FeedPage page;
  std::vector<bson::Document> events;
  std::size_t left = most_bytes;
  bson::Document seen;
  for (const Change& change : changes) {
    const std::optional<bson::View> document =
        see(collection, *transaction.get(collection, change.record), now, seen);
    if (document) {
      bson::Document event = event_of(collection, container, *document);
      const std::size_t bytes = event.size() + kTokenBytes;
      if (bytes > left && !events.empty()) break;
      left -= std::min(left, bytes);
      page.bytes += document->size();
      events.push_back(std::move(event));
    }
    place.behind = change.stamp;
  }
  if (events.empty()) return page;
  const bson::Document token = token_of(place);
  for (const bson::Document& event : events) {
    bson::Builder whole;
    whole.append("_id", token);
    whole.append_all(event);
    bson::Document out = whole.finish();
    if (filter.matches(out)) page.events.push_back(std::move(out));
  }
  return page;
}

bool is_change_stream(bson::View pipeline) {
  const auto first = pipeline.begin();
  return first != pipeline.end() && first->value.is_document() &&
         first->value.as_document().contains("$changeStream");
}

FeedQuery parse_change_stream(bson::View pipeline) {
  const auto stage = [&](std::size_t at, std::string_view name) -> bson::View {
    std::size_t i = 0;
    for (const auto& [key, value] : pipeline) {
      if (i++ != at || !value.is_document()) continue;
      const bson::Value spec = value.as_document()[name];
      if (spec.is_document()) return spec.as_document();
    }
    bad("a change stream has the stages $changeStream, $match on operationType and $project, and "
        "its stage " +
        std::to_string(at) + " is not " + std::string(name));
  };
  const bson::View options = stage(0, "$changeStream");
  const bson::View match = stage(1, "$match");
  const bson::View projection = stage(2, "$project");
  if (pipeline.count() != 3) bad("a change stream has three stages");
  const bson::Value full = options["fullDocument"];
  if (!full.is_string() || full.as_string() != "updateLookup") {
    bad("a change stream needs fullDocument: \"updateLookup\"");
  }
  bson::Builder rest;
  if (!take_filter(match, rest)) {
    bad("a change stream needs {operationType: {$in: [\"insert\", \"update\", \"replace\"]}}");
  }
  if (!projects_events(projection)) {
    bad("a change stream needs {$project: {_id: 1, fullDocument: 1, ns: 1, documentKey: 1}}");
  }
  return {.place = place_of_options(options), .filter = rest.finish()};
}

}  // namespace gesso::localdb::cosmos
