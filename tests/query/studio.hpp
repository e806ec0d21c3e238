// A small model for the tests of the query language: commissions of a painter's studio.
#pragma once

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/query/query.hpp"
#include "gesso/schema/id.hpp"
#include "gesso/schema/number.hpp"

namespace gesso::studio {

using ClientId = schema::Id<"client_">;
using CommissionId = schema::Id<"com_">;

enum class State { kOrdered, kDrying, kDone };
constexpr auto wire_texts(State) {
  return std::to_array<std::string_view>({"ordered", "drying", "done"});
}

struct Coat {
  std::string paint;
  Time at;
};
BOOST_DESCRIBE_STRUCT(Coat, (), (paint, at))

struct Commission {
  CommissionId id;
  ClientId client;
  State state = State::kOrdered;
  std::string title;
  schema::NonNegative price = 0;
  std::optional<std::string> receipt;
  std::optional<Time> due;
  Time ordered_at;
  Time keep_until;
  std::vector<std::string> tags;
  std::vector<Coat> coats;
  bool framed = false;

  using Indexes = query::IndexList<
      query::Unique<&Commission::title>,
      query::Index<&Commission::client, query::desc<&Commission::ordered_at>,
                   query::desc<&Commission::id>>,
      query::Index<&Commission::state, &Commission::ordered_at, &Commission::price>,
      query::Index<&Commission::price>, query::Index<query::asc<&Commission::coats, &Coat::at>>,
      query::UniqueWhenPresent<&Commission::receipt>, query::Ttl<&Commission::keep_until>>;
};
BOOST_DESCRIBE_STRUCT(Commission, (),
                      (id, client, state, title, price, receipt, due, ordered_at, keep_until, tags,
                       coats, framed))

// A projection.
struct Card {
  std::string title;
  State state = State::kOrdered;
};
BOOST_DESCRIBE_STRUCT(Card, (), (title, state))

}  // namespace gesso::studio
