// An email address, in the one spelling that stands for it.
//
// The rules are those that mail on the internet follows: RFC 5321's lengths (64 before the @, 254
// in all), a dot-atom before the @, a domain of at least two labels behind it. Quoted local parts,
// comments, address literals and addresses outside ASCII (RFC 6531) are refused with a message
// that says so.
//
// Blanks around it are taken away. The address is kept in lower case and in no other spelling: no
// provider in use tells "Ann@x.org" from "ann@x.org", and what is compared for uniqueness is what
// is stored and shown. A value type.
#pragma once

#include <concepts>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "gesso/bson/builder.hpp"
#include "gesso/schema/access.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::schema {

class Email {
  std::string text_;

  Email() = default;
  friend struct Access;
  void set(std::string_view text);

 public:
  using Wire = std::string_view;

  // Throws Error (kValidation).
  template <std::convertible_to<std::string_view> S>
  Email(const S& text) {  // NOLINT: implicit, as for Text
    if (auto violation = check(text)) throw validation_error({*violation});
    set(text);
  }
  // std::nullopt for what is no address.
  [[nodiscard]] static std::optional<Email> parse(std::string_view text);

  [[nodiscard]] const std::string& str() const noexcept { return text_; }
  [[nodiscard]] Wire wire() const noexcept { return text_; }
  operator std::string_view() const noexcept { return text_; }  // NOLINT

  // Whether its domain is set aside for tests or single networks (`.test`, `.invalid`,
  // `.localhost`, ...): no mail gets there. Whether such an address is taken is a setting of
  // whoever registers users (domain/registration.hpp), since tests and networks of one's own need
  // them.
  [[nodiscard]] bool has_special_use_domain() const noexcept;

  [[nodiscard]] static std::optional<Violation> check(std::string_view text);
  [[nodiscard]] static std::string expected() { return "email address"; }
  static void json_schema(bson::Builder& keywords);

  friend bool operator==(const Email&, const Email&) = default;
  template <std::convertible_to<std::string_view> S>
  friend bool operator==(const Email& left, const S& right) {
    return left.text_ == std::string_view(right);
  }
  friend std::ostream& operator<<(std::ostream& out, const Email& email) {
    return out << email.text_;
  }
};

}  // namespace gesso::schema
