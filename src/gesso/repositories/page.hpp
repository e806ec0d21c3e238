// Keyset pages: a page starts behind a document, not after a number of them, so that it neither
// skips nor repeats one while others are inserted, and the thousandth page costs as much as the
// first.
//
// A cursor is opaque to clients: base64url of the keys that the page starts behind, the direction,
// and a hash of the query's shape. It is no secret and no permission: the filter applies whatever
// it says. This file is what Repository::page is made of.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/bson/view.hpp"
#include "gesso/mongo/session.hpp"
#include "gesso/query/index.hpp"

namespace gesso::repositories {

struct PageOptions {
  std::int64_t limit = 20;  // 1 to 1000
  std::string cursor = {};  // `next` or `previous` of another page; "" for the first page
  // Told of each stored document that does not decode, which is then left out; if there is none,
  // such a document is an Error.
  std::function<void(const Error&)> skip_undecodable = {};
};

template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next = {};      // absent on the last page
  std::optional<std::string> previous = {};  // absent on the first
};

namespace detail {

struct PageQuery {
  std::string_view collection;
  bson::Document filter;
  std::string shape;                     // the query's shape, which a cursor is bound to
  std::span<const query::KeyPart> path;  // the keys of the index that serves it
  std::size_t prefix = 0;                // how many of them the filter binds
  int direction = 1;                     // along the index's path or against it
};

using RawPage = Page<bson::Document>;

// Throws Error: kValidation for a limit out of range and a cursor that is malformed or belongs to
// another query.
[[nodiscard]] RawPage read_page(mongo::Session& session, const PageQuery& query,
                                const PageOptions& options);

}  // namespace detail

}  // namespace gesso::repositories
