// Every operator of the expression language over large values: none runs for long without a look at
// whether it is to go on. The tables of operators are the input, so that none is forgotten.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "gesso/base/meter.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/language/update/update.hpp"

namespace gesso::localdb {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Ten times what is promised, for sanitizers and busy machines; what was measured is printed.
constexpr milliseconds kBound{1000};
// Enough of one operator has been seen then.
constexpr milliseconds kEnough{150};

struct Enough {};

// The longest time between two looks while `work` ran.
template <class Work>
milliseconds longest_gap(Work work) {
  const auto begun = SteadyClock::now();
  auto last = begun;
  SteadyClock::duration longest{0};
  Meter meter([&] {
    const auto now = SteadyClock::now();
    longest = std::max(longest, now - last);
    last = now;
    if (now - begun > kEnough) throw Enough();
  });
  const Meter::Scope scope(&meter);
  try {
    work();
  } catch (const Enough&) {
  } catch (const CommandError&) {  // not for these arguments
  }
  longest = std::max(longest, SteadyClock::now() - last);
  return std::chrono::duration_cast<milliseconds>(longest);
}

bson::Document large_document() {
  std::string text;
  std::string numbers;
  for (int i = 0; i < 100'000; ++i) text += i % 3 == 0 ? "\u00e4b" : "ab ";
  bson::Builder array;
  bson::Builder documents;
  bson::Builder fields;
  for (std::int32_t i = 0; i < 60'000; ++i) {
    array.push(i * 7919 % 60'000);
    fields.append("field" + std::to_string(i), i);
  }
  for (std::int32_t i = 0; i < 20'000; ++i) {
    documents.push(bson::make_document("k", "key" + std::to_string(i), "v", i));
  }
  return bson::make_document("s", text, "a", bson::Array(array.finish()), "d",
                             bson::Array(documents.finish()), "o", fields.finish(), "n", 2, "t",
                             std::string("ab"));
}

std::vector<std::string> all_operators() {
  std::vector<std::string> names;
  for (const auto& table :
       {arithmetic_functions(), math_functions(), comparison_functions(), string_functions(),
        array_functions(), set_functions(), object_functions(), conversion_functions()}) {
    for (const FunctionEntry& entry : table) names.emplace_back(entry.name);
  }
  for (const auto& table : {string_named(), array_named(), date_named()}) {
    for (const NamedEntry& entry : table) names.emplace_back(entry.name);
  }
  for (const auto& table :
       {control_specials(), array_specials(), object_specials(), conversion_specials(),
        regex_specials(), date_part_specials(), accumulator_specials()}) {
    for (const SpecialEntry& entry : table) names.emplace_back(entry.name);
  }
  return names;
}

// Large arguments in every shape that some operator takes.
std::vector<bson::Document> shapes(const std::string& name) {
  std::vector<bson::Document> specs;
  const auto add = [&](const auto&... arguments) {
    specs.push_back(bson::make_document(name, bson::make_array(arguments...)));
  };
  for (const char* one : {"$s", "$a", "$d", "$o"}) {
    specs.push_back(bson::make_document(name, one));
    add(one, one);
    add(one, "$t");
    add(one, "$n");
    add("$n", one);
    add("$t", one);
    add(one, one, one);
    add(one, "$n", "$n");
    specs.push_back(bson::make_document(
        name, bson::make_document("input", one, "find", "b", "replacement", "xyz")));
    specs.push_back(bson::make_document(name, bson::make_document("input", one, "chars", one)));
    specs.push_back(bson::make_document(name, bson::make_document("input", one, "sortBy", -1)));
    specs.push_back(bson::make_document(name, bson::make_document("input", one, "n", 50'000)));
    specs.push_back(bson::make_document(name, bson::make_document("input", one, "regex", "a*c")));
    specs.push_back(bson::make_document(name, bson::make_document("input", one, "regex", "")));
    specs.push_back(bson::make_document(
        name, bson::make_document("input", one, "in",
                                  bson::make_document("$add", bson::make_array("$$this", 1)))));
    specs.push_back(bson::make_document(
        name, bson::make_document("input", one, "initialValue", 0, "in", "$$this")));
    specs.push_back(bson::make_document(
        name, bson::make_document("input", one, "cond",
                                  bson::make_document("$gt", bson::make_array("$$this", 1)))));
    specs.push_back(bson::make_document(
        name, bson::make_document("inputs", bson::make_array(one, one), "useLongestLength", true)));
    specs.push_back(bson::make_document(name, bson::make_document("input", one, "to", "string")));
  }
  return specs;
}

TEST(MeterTest, LooksOftenInEveryOperatorOfTheExpressionLanguage) {
  const bson::Document document = large_document();
  milliseconds slowest{0};
  std::string slowest_name;
  std::size_t evaluated = 0;
  for (const std::string& name : all_operators()) {
    bool was_evaluated = false;
    for (const bson::Document& spec : shapes(name)) {
      const milliseconds gap = longest_gap([&] {
        ExpressionScope scope;
        const bson::Document holder = bson::make_document("v", spec);
        const ExpressionPtr expression = compile_expression(holder["v"], scope);
        Arena arena;
        Evaluation evaluation(document, arena, scope);
        was_evaluated = true;
        static_cast<void>(expression->evaluate(evaluation));
      });
      EXPECT_LT(gap, kBound) << bson::to_json(spec.view());
      if (gap > slowest) {
        slowest = gap;
        slowest_name = bson::to_json(spec.view());
      }
    }
    evaluated += was_evaluated ? 1 : 0;
  }
  EXPECT_GT(evaluated, all_operators().size() * 3 / 4)
      << "shapes for the new operators are missing";
  std::printf("report: the longest time without a look was %lld ms, in %s\n",
              static_cast<long long>(slowest.count()), slowest_name.c_str());
}

// Copies of many fields are work by their bytes, not by the calls that make them.
TEST(MeterTest, ChargesForEveryFieldOfAnObjectThatIsMade) {
  bson::Builder fields;
  for (int i = 0; i < 1000; ++i) {
    fields.append("field" + std::to_string(i), std::string(1000, 'x'));
  }
  const bson::Document document = bson::make_document("o", fields.finish());
  const auto work_of = [&](const char* spec) {
    Meter meter([] {});
    const bson::Document holder = bson::from_json(spec);
    ExpressionScope scope;
    const ExpressionPtr expression = compile_expression(holder["e"], scope);
    Arena arena;
    Evaluation evaluation(document, arena, scope);
    const Meter::Scope metered(&meter);
    (void)expression->evaluate(evaluation);
    meter.look();
    return meter.work();
  };
  // What it costs to hand the object over as an argument.
  const std::uint64_t argument = work_of(R"({"e": {"$type": "$o"}})");
  for (const char* const spec :
       {R"({"e": {"$objectToArray": "$o"}})", R"({"e": {"$mergeObjects": ["$o", {"a": 1}]}})",
        R"({"e": {"$arrayToObject": {"$objectToArray": "$o"}}})"}) {
    EXPECT_GT(work_of(spec), argument + 900'000) << spec;
  }
  EXPECT_GT(work_of(R"({"e": {"$setField": {"field": "a", "input": "$o", "value": 1}}})"),
            900'000U);
}

bool is_bson(bson::View document) { return bson::View::validate(document.bytes()).has_value(); }

TEST(CommandErrorTest, QuotesOnlyTheBeginningOfALargeValue) {
  const std::string text(10'000'000, 'x');
  const bson::Document large = bson::make_document("a", 1, "text", text);
  EXPECT_LT(value_text(large.view()).size(), 1200U);
  EXPECT_TRUE(value_text(large.view()).starts_with("{ \"a\" : 1, \"text\" : \"xxx"));
  EXPECT_TRUE(value_text(large.view()).ends_with("..."));
  EXPECT_EQ(value_text(bson::make_document("a", 1).view()), "{ \"a\" : 1 }");
  // No character is cut, wherever the end comes.
  for (const std::size_t shift : {0U, 1U, 2U}) {
    std::string wide(shift, 'x');
    for (int i = 0; i < 10'000; ++i) wide += "\u20ac";
    const bson::Document holder = bson::make_document("s", wide);
    EXPECT_TRUE(is_bson(bson::make_document("m", value_text(holder["s"]))));
    const CommandError error(ErrorCode::kBadValue, wide);
    EXPECT_LT(std::string_view(error.what()).size(), 9000U);
    EXPECT_TRUE(is_bson(bson::make_document("m", error.what())));
  }
  // Each of these quotes what it refuses.
  const bson::Document operand = bson::make_document("$inc", bson::make_document("a", text));
  const bson::Document holder = bson::make_document("u", operand);
  try {
    (void)Update::compile(holder["u"]);
    FAIL();
  } catch (const CommandError& error) {
    EXPECT_LT(std::string_view(error.what()).size(), 2000U);
  }
}

TEST(MeterTest, LooksOftenInFiltersOverLargeDocuments) {
  const bson::Document document = large_document();
  bson::Builder list;
  for (int i = 0; i < 100'000; ++i) list.push("none" + std::to_string(i));
  const bson::Document many = list.finish();
  for (const bson::Document& filter :
       {bson::make_document("a", bson::make_document("$in", bson::Array(many))),
        bson::make_document("d.k", bson::make_document("$in", bson::Array(many))),
        bson::make_document(
            "a",
            bson::make_document("$elemMatch", bson::make_document("$gt", 70'000, "$lt", 80'000))),
        bson::make_document(
            "d", bson::make_document("$elemMatch", bson::make_document("k", "none", "v", 1))),
        bson::make_document("a", bson::make_document("$not", bson::make_document("$gte", 0))),
        bson::make_document("s", bson::make_document("$regex", "(a|b| )*c$")),
        bson::make_document("s", bson::make_document("$regex", "a[^c]*c")),
        bson::make_document("d.v", bson::make_document("$mod", bson::make_array(20'001, 20'000))),
        bson::make_document("a", bson::make_document("$all", bson::make_array(1, 2, 3, -1)))}) {
    EXPECT_LT(longest_gap([&] {
                const Matcher matcher = Matcher::compile(filter);
                for (int i = 0; i < 1000; ++i) static_cast<void>(matcher.matches(document));
              }),
              kBound)
        << bson::to_json(filter.view()).substr(0, 200);
  }
}

TEST(MeterTest, LooksOftenInUpdatesOfLargeArrays) {
  const bson::Document document = large_document();
  const Matcher everything = Matcher::compile(bson::Document());
  const bson::Value all = document["a"];
  for (const bson::Document& update :
       {bson::make_document("$addToSet",
                            bson::make_document("a", bson::make_document("$each", all))),
        bson::make_document(
            "$push", bson::make_document("a", bson::make_document("$each", all, "$sort", -1))),
        bson::make_document("$pullAll", bson::make_document("a", all)),
        bson::make_document(
            "$pull",
            bson::make_document("d", bson::make_document("v", bson::make_document("$in", all)))),
        bson::make_document("$inc", bson::make_document("d.$[].v", 1))}) {
    EXPECT_LT(longest_gap([&] {
                const Update compiled =
                    Update::compile(bson::make_document("u", update)["u"], {}, {});
                static_cast<void>(compiled.apply(document, &everything, Time{}));
              }),
              kBound)
        << bson::to_json(update.view()).substr(0, 200);
  }
}

}  // namespace
}  // namespace gesso::localdb
