#include "gesso/schema/described.hpp"

#include <gtest/gtest.h>

#include "tests/schema/account.hpp"

namespace gesso::schema::testing {
namespace {

// What a field is called, and of what type it is, is known at compile time.
static_assert(field_name<&Account::email> == "email");
static_assert(field_name<&Account::id> == "_id");
static_assert(field_name<&Account::created_at> == "created_at");
static_assert(field_about<&Account::id> == kFieldsOf<Account>[0].about);
static_assert(!field_about<&Account::id>.empty() && field_about<&Address::street>.empty());
static_assert(field_index<&Account::id> == 0);
static_assert(std::same_as<FieldType<&Account::level>, Integer<1, 4>>);
static_assert(std::same_as<ModelOf<&Address::street>, Address>);
static_assert(kFieldsOf<Account>[3].has_default() && !kFieldsOf<Account>[2].has_default());
static_assert(kFieldsOf<Account>[17].is_internal());
static_assert(kFieldsOf<Address>[1].name == "number");  // without kFields: the names alone
static_assert(name_of<Account>() == "Account" && name_of<Address>().empty());

// A value that exists is valid: there is no way to one without its text.
static_assert(!std::is_default_constructible_v<Email>);
static_assert(!std::is_default_constructible_v<Text<1, 5>>);
static_assert(!std::is_default_constructible_v<Account>);
static_assert(std::is_copy_constructible_v<Account>);

// An id of one kind is not taken for another, nor compared with it.
static_assert(!std::is_convertible_v<Id<"acc_">, Id<"gen_">>);
static_assert(!std::is_constructible_v<Id<"gen_">, Id<"acc_">>);
static_assert(!std::is_assignable_v<Id<"gen_">&, Id<"acc_">>);
static_assert(!std::is_constructible_v<std::optional<Id<"gen_">>, Id<"acc_">>);
template <class A, class B>
concept Comparable = requires(const A& a, const B& b) {
  a == b;
};
static_assert(Comparable<Id<"gen_">, Id<"gen_">> && Comparable<Id<"gen_">, std::string>);
static_assert(Comparable<std::string_view, Id<"gen_">> && Comparable<Id<"gen_">, const char*>);
static_assert(!Comparable<Id<"acc_">, Id<"gen_">> && !Comparable<Id<"gen_">, Id<"acc_">>);

TEST(EnumTest, StandsForItsTexts) {
  EXPECT_EQ(to_string(Colour::kDeepBlue), "deep-blue");
  EXPECT_EQ(parse_enum<Colour>("green"), Colour::kGreen);
  EXPECT_EQ(parse_enum<Colour>("Green"), std::nullopt);
  EXPECT_EQ(parse_enum<Colour>(""), std::nullopt);
}

}  // namespace
}  // namespace gesso::schema::testing
