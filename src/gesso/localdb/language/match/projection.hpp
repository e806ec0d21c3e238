// Projections of `find` and of the stages `$project`, `$addFields` and `$unset`.
//
// A Projection owns what it needs of its specification; `const` calls are thread-safe. Pure.
#pragma once

#include <memory>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/match/matcher.hpp"

namespace gesso::localdb {

enum class ProjectionKind {
  kFind,       // allows $slice, $elemMatch and the positional `.$`; `{}` is the identity
  kProject,    // the stage $project; `{}` is an error
  kAddFields,  // the stages $addFields and $set: every value is an expression
};

class Projection {
  struct State;
  std::unique_ptr<const State> state_;

  explicit Projection(std::unique_ptr<const State> state);

 public:
  // Throws CommandError: 31253 and 31254 for a mixture of inclusion and exclusion, 31249 and 31250
  // for paths that collide, and what expressions throw.
  [[nodiscard]] static Projection compile(bson::View spec,
                                          ProjectionKind kind = ProjectionKind::kFind,
                                          const Variables& variables = {});

  Projection(Projection&&) noexcept;
  Projection& operator=(Projection&&) noexcept;
  ~Projection();

  // Whether `apply` gives every document back as it is.
  [[nodiscard]] bool is_identity() const noexcept;
  // Whether `apply` needs the query for a positional `.$`.
  [[nodiscard]] bool needs_query() const noexcept;

  // `query` matched the document; it says what `.$` stands for.
  [[nodiscard]] bson::Document apply(bson::View document, const Matcher* query = nullptr) const;
};

}  // namespace gesso::localdb
