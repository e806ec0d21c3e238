#include "gesso/repositories/page.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "gesso/base/base64.hpp"
#include "gesso/bson/builder.hpp"

namespace gesso::repositories::detail {

namespace {

// FNV-1a: tells queries apart, and need not withstand anyone.
std::int64_t hash(std::string_view text) {
  std::uint64_t value = 14695981039346656037U;
  for (const char c : text) value = (value ^ static_cast<std::uint8_t>(c)) * 1099511628211U;
  return static_cast<std::int64_t>(value);
}

struct Position {
  bool backward = false;
  bson::Document keys;  // an array: the values of the path behind the prefix
};

Error bad_cursor(const std::string& found) {
  return validation_error({{.path = {"cursor"},
                            .type = "value_error",
                            .message = "Value error, " + found,
                            .expected = "cursor of a page of this query",
                            .found = found}});
}

// A value that a sort field can have, so that nothing else gets into a filter.
bool is_plain(bson::Value value) {
  constexpr std::array kPlain{bson::Type::kString,  bson::Type::kDate,   bson::Type::kInt32,
                              bson::Type::kInt64,   bson::Type::kDouble, bson::Type::kBool,
                              bson::Type::kObjectId};
  return std::ranges::find(kPlain, value.type()) != kPlain.end();
}

std::string write_cursor(const Position& position, const std::string& shape) {
  const bson::Document cursor = bson::make_document("q", hash(shape), "b", position.backward, "k",
                                                    bson::Array(position.keys));
  const auto bytes = cursor.view().bytes();
  return base64url_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Position read_cursor(std::string_view text, const std::string& shape, std::size_t key_count) {
  const std::string bytes = base64url_decode(text).value_or("");
  const auto cursor =
      bson::View::validate({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  if (!cursor || !(*cursor)["q"].is(bson::Type::kInt64) || !(*cursor)["b"].is(bson::Type::kBool) ||
      !(*cursor)["k"].is_array()) {
    throw bad_cursor("the cursor is malformed");
  }
  const bson::View keys = (*cursor)["k"].as_document();
  if ((*cursor)["q"].as_int64() != hash(shape)) {
    throw bad_cursor("the cursor belongs to another query");
  }
  if (keys.count() != key_count ||
      !std::ranges::all_of(keys, [](const auto& key) { return is_plain(key.value); })) {
    throw bad_cursor("the cursor is malformed");
  }
  return {.backward = (*cursor)["b"].as_bool(), .keys = bson::Document(keys)};
}

// `{a: {$lte: x}, $or: [{a: {$lt: x}}, {a: x, b: {$lt: y}}]}` for a path (a, b) read downwards:
// the bound on `a` is what an index scan starts at, the rest tells equal ones apart.
bson::Document behind(std::span<const query::KeyPart> path, bson::View keys, int direction) {
  const auto operator_for = [&](const query::KeyPart& part, bool or_equal) -> std::string_view {
    const bool up = static_cast<int>(part.direction) * direction > 0;
    if (or_equal) return up ? "$gte" : "$lte";
    return up ? "$gt" : "$lt";
  };
  std::vector<bson::Value> values;
  for (const bson::Element& key : keys) values.push_back(key.value);

  if (path.size() == 1) {
    return bson::make_document(path[0].name,
                               bson::make_document(operator_for(path[0], false), values[0]));
  }
  bson::Builder branches;
  for (std::size_t i = 0; i < path.size(); ++i) {
    bson::Builder branch;
    for (std::size_t j = 0; j < i; ++j) branch.append(path[j].name, values[j]);
    branch.append(path[i].name, bson::make_document(operator_for(path[i], false), values[i]));
    branches.push(branch.finish());
  }
  return bson::make_document(path[0].name,
                             bson::make_document(operator_for(path[0], true), values[0]), "$or",
                             bson::Array(branches.finish()));
}

bson::Document both(const bson::Document& filter, const bson::Document& other) {
  const bool clash = std::ranges::any_of(
      other.view(), [&](const auto& element) { return filter.contains(element.key); });
  if (clash) return bson::make_document("$and", bson::make_array(filter, other));
  bson::Builder builder;
  builder.append_all(filter);
  builder.append_all(other);
  return builder.finish();
}

}  // namespace

RawPage read_page(mongo::Session& session, const PageQuery& query, const PageOptions& options) {
  constexpr std::int64_t kMaxLimit = 1000;
  if (options.limit < 1 || options.limit > kMaxLimit) {
    throw validation_error({{.path = {"limit"},
                             .type = options.limit < 1 ? "greater_than_equal" : "less_than_equal",
                             .message = "Input should be from 1 to 1000",
                             .expected = "integer from 1 to 1000",
                             .found = std::to_string(options.limit)}});
  }
  const auto keyset = query.path.subspan(query.prefix);
  std::optional<Position> from;
  if (!options.cursor.empty()) {
    from = read_cursor(options.cursor, query.shape, keyset.size());
  }
  const bool backward = from && from->backward;
  const int direction = backward ? -query.direction : query.direction;

  mongo::FindOptions find;
  bson::Builder sort;
  for (const query::KeyPart& part : query.path) {
    sort.append(part.name, static_cast<int>(part.direction) * direction);
  }
  find.sort = sort.finish();
  find.limit = options.limit + 1;  // one more tells whether there is another page
  const bson::Document filter =
      from ? both(query.filter, behind(keyset, from->keys, direction)) : query.filter;

  RawPage page;
  const auto has_place = [&](const bson::Document& document) {
    return std::ranges::all_of(keyset, [&](const query::KeyPart& part) {
      return is_plain(document.view().at_path(part.name));
    });
  };
  bool more = false;
  for (;;) {
    const std::size_t before = page.items.size();
    mongo::Cursor cursor = session.find(query.collection, filter, find);
    while (const auto document = cursor.next()) page.items.emplace_back(*document);
    more = std::cmp_greater(page.items.size() - before, options.limit);
    if (more) page.items.pop_back();
    // The next page starts behind a document that has all keys. Where a whole page has none, which
    // no document of ours is without, this one goes on.
    if (!more || std::ranges::any_of(page.items, has_place)) break;
    find.skip += options.limit;
  }
  if (backward) std::ranges::reverse(page.items);

  const auto cursor_at = [&](const bson::Document& document, bool back) {
    bson::Builder keys;
    for (const query::KeyPart& part : keyset) keys.push(document.view().at_path(part.name));
    return write_cursor({.backward = back, .keys = keys.finish()}, query.shape);
  };
  if (page.items.empty()) {
    // Past an end: the way back starts at the same place.
    if (from) {
      from->backward = !backward;
      (backward ? page.next : page.previous) = write_cursor(*from, query.shape);
    }
    return page;
  }
  const auto last = std::ranges::find_if(page.items.rbegin(), page.items.rend(), has_place);
  if (last == page.items.rend()) return page;
  const auto first = std::ranges::find_if(page.items, has_place);
  if (backward || more) page.next = cursor_at(*last, false);
  if (backward ? more : from.has_value()) page.previous = cursor_at(*first, true);
  return page;
}

}  // namespace gesso::repositories::detail
