// What an operation's function returns: its value, or one of the problems that its type names, or
// another success that it names (Alternative).
//
//   using NotEnoughCredits = Problem<402, "not_enough_credits", "Not enough credits">;
//
//   Result<models::Generation, NotEnoughCredits> create_generation(DatabaseCall&, ...) {
//     if (...) return NotEnoughCredits{.detail = "3 needed, 2 left"};
//     return generation;
//   }
//
// A problem that the type does not name does not compile, so the document (openapi.hpp) tells all
// of them. What every operation may answer (a request that does not fit, no token, too many, a
// database that is away) is the chain's and is not listed. Value types.
#pragma once

#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>
#include <chrono>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "gesso/schema/fixed_string.hpp"

namespace gesso::api {

// One kind of refusal (RFC 9457): its status, the stable `code` that programs look at, and the
// title that people read. `detail` is about this one time. A problem that tells more is a described
// struct that derives from it, whose fields become members of the response.
template <int Status, schema::FixedString Code, schema::FixedString Title>
struct Problem {
  static constexpr int kStatus = Status;
  static constexpr std::string_view kCode = Code.view();
  static constexpr std::string_view kTitle = Title.view();

  std::string detail = {};
  std::optional<std::chrono::seconds> retry_after = {};  // when to ask again
};

// Another success than the operation's own: of another status, told apart by it. `About` is what
// the document says of it.
//
//   Result<models::User, Alternative<202, Acknowledgement, "The rest is in the mail.">, EmailTaken>
template <int Status, class T, schema::FixedString About>
struct Alternative {
  static constexpr int kStatus = Status;
  static constexpr std::string_view kAbout = About.view();

  T value;
};
template <class>
inline constexpr bool kIsAlternative = false;
template <int Status, class T, schema::FixedString About>
inline constexpr bool kIsAlternative<Alternative<Status, T, About>> = true;

template <class T, class... Others>
class [[nodiscard]] Result {
  std::variant<T, Others...> outcome_;

  template <class One>
  using IsAlternative = std::bool_constant<kIsAlternative<One>>;

 public:
  using Value = T;
  using AlternativeList = boost::mp11::mp_copy_if<boost::mp11::mp_list<Others...>, IsAlternative>;
  using ProblemList = boost::mp11::mp_remove_if<boost::mp11::mp_list<Others...>, IsAlternative>;

  Result(T value) : outcome_(std::move(value)) {}  // NOLINT: implicit, as a return value is
  template <class P>
  requires boost::mp11::mp_contains<boost::mp11::mp_list<Others...>,
                                    std::remove_cvref_t<P>>::value
  Result(P&& other)  // NOLINT
      : outcome_(std::forward<P>(other)) {}

  [[nodiscard]] bool ok() const noexcept { return outcome_.index() == 0; }
  [[nodiscard]] const T& value() const { return std::get<0>(outcome_); }
  [[nodiscard]] const std::variant<T, Others...>& outcome() const noexcept { return outcome_; }
};

using NotFound = Problem<404, "not_found", "Not found">;
using Conflict = Problem<409, "conflict", "Conflict">;
using Forbidden = Problem<403, "forbidden", "Forbidden">;

}  // namespace gesso::api
