// The one door into values that are not yet filled in.
//
// A constrained type (`Email`, `Text`, ...) has no public default constructor, so that a value that
// exists is a valid one, and a struct that holds one cannot be made without it. The decoder fills
// a struct member by member and drops it when a member was refused; only it may start empty.
#pragma once

namespace gesso::schema {

struct Access {
  // A `T` with its members' default values, and unset constrained members.
  template <class T>
  [[nodiscard]] static T make() {
    return T{};
  }

  // Gives a constrained value what `T::check` has accepted.
  template <class T>
  static void set(T& into, typename T::Wire wire) {
    into.set(wire);
  }
};

}  // namespace gesso::schema
