// What find, count, distinct, the writes and explain share: options that change what a query means,
// and the way from a filter to a plan.
#pragma once

#include <memory>
#include <optional>

#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/plan/execution.hpp"
#include "gesso/localdb/plan/plan.hpp"

namespace gesso::localdb {

enum class QueryUse : int;  // dialect.hpp

using MatcherPtr = std::shared_ptr<const Matcher>;

[[nodiscard]] MatcherPtr compile_filter(bson::View filter, const Variables& variables);

// Throws CommandError (115) for a collation other than the simple one.
void check_collation(bson::Value collation);
// Throws CommandError (115) where the client asks for what is not served.
void refuse_flags(const Arguments& arguments, std::initializer_list<std::string_view> fields);

// `hint` of a command or a statement; a missing value where there is none, `{}` too. Throws
// CommandError (9) for what is neither a name nor a key.
[[nodiscard]] bson::Value hint_of(const Arguments& arguments);

// `sort` of a command, looked at before a plan is made: there is none without a collection. Throws
// CommandError (15974, 15975, ...).
[[nodiscard]] bson::View sort_of(const Arguments& arguments);

// The documents of `collection` that `request` asks for, attached to `transaction`. Throws
// Throttled where the command keeps account and there is no budget left.
[[nodiscard]] Execution execute(const Context& context, const Transaction& transaction,
                                CollectionPtr collection, PlanRequest request, QueryUse use);
// Their number.
[[nodiscard]] std::uint64_t count_matching(const Context& context, const Transaction& transaction,
                                           const CollectionPtr& collection, PlanRequest request);

// A `find`, checked and compiled.
struct FindQuery {
  MatcherPtr filter;
  bson::View sort = {};
  bson::Value hint = {};
  std::optional<Projection> projection = {};
  std::uint64_t skip = 0;
  std::uint64_t limit = 0;
  bool single_batch = false;

  [[nodiscard]] PlanRequest request() const {
    return {.filter = filter, .sort = sort, .hint = hint, .skip = skip, .limit = limit};
  }
};
// Of the arguments of `find`, `count` or `distinct`, whose tables differ.
[[nodiscard]] FindQuery parse_find(const Context& context);
[[nodiscard]] FindQuery parse_count(const Context& context);
[[nodiscard]] FindQuery parse_distinct(const Context& context);

}  // namespace gesso::localdb
