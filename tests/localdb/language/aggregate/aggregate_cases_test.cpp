// Expressions and pipelines, by the cases in aggregate/cases/.
#include <algorithm>

#include "gesso/localdb/language/aggregate/expression.hpp"
#include "gesso/localdb/language/aggregate/pipeline.hpp"
#include "tests/localdb/language/aggregate/list_source.hpp"
#include "tests/localdb/language/match/case_file.hpp"

namespace gesso::localdb {
namespace {

class ExpressionCase : public testing::TestWithParam<Case> {};

// {expression, document?, result} (result left out: missing) or {expression, document?, error}
TEST_P(ExpressionCase, Holds) {
  const Case& test_case = GetParam();
  std::string result;
  std::string message;
  const int code = error_code_of(
      [&] {
        ExpressionScope scope(Variables{.now = case_now(), .let = {}});
        const ExpressionPtr expression = compile_expression(test_case["expression"], scope);
        Arena arena;
        Evaluation evaluation(test_case.document("document"), arena, scope);
        result = canonical(expression->evaluate(evaluation));
      },
      &message);
  EXPECT_EQ(code, test_case.error()) << message;
  if (code == 0 && test_case.error() == 0) {
    EXPECT_EQ(result, canonical(test_case["result"]));
  }
}

INSTANTIATE_TEST_SUITE_P(Basics, ExpressionCase,
                         testing::ValuesIn(load_cases("aggregate/cases/basics.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Numbers, ExpressionCase,
                         testing::ValuesIn(load_cases("aggregate/cases/numbers.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Strings, ExpressionCase,
                         testing::ValuesIn(load_cases("aggregate/cases/strings.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Errors, ExpressionCase,
                         testing::ValuesIn(load_cases("aggregate/cases/errors.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Arrays, ExpressionCase,
                         testing::ValuesIn(load_cases("aggregate/cases/arrays.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Dates, ExpressionCase,
                         testing::ValuesIn(load_cases("aggregate/cases/dates.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Conversions, ExpressionCase,
                         testing::ValuesIn(load_cases("aggregate/cases/conversions.json")),
                         case_name);

// What is wrong with an expression of constants is told before there is a document, so that a
// collection that has none refuses it too.
TEST(ExpressionTest, RefusesConstantsWithoutADocument) {
  const auto code = [](const char* expression) {
    return error_code_of([expression] {
      ExpressionScope scope;
      const bson::Document spec = bson::from_json(std::string("{\"e\": ") + expression + "}");
      (void)compile_expression(spec["e"], scope);
    });
  };
  EXPECT_EQ(code(R"({"$divide": [1, 0]})"), 2);
  EXPECT_EQ(code(R"({"a": [{"$toInt": "x"}]})"), 241);
  EXPECT_EQ(code(R"({"$add": [{"$multiply": [2, 3]}, {"$abs": "x"}]})"), 28765);
  EXPECT_EQ(code(R"({"$trim": {"input": 5}})"), 50699);
  EXPECT_EQ(code(R"({"$dateToString": {"date": null, "format": "%"}})"), 18535);
  // It takes a document to know.
  EXPECT_EQ(code(R"({"$divide": ["$a", 0]})"), 0);
  EXPECT_EQ(code(R"({"$cond": [true, 1, {"$divide": [1, 0]}]})"), 0);
  EXPECT_EQ(code(R"({"$cond": ["$a", 1, {"$divide": [1, 0]}]})"), 2);
}

// A few bytes of a command can ask for megabytes, and a command has room for many of those.
TEST(ExpressionTest, KeepsNoLargeValueThatItComputedInAdvance) {
  ExpressionScope scope;
  const auto is_kept = [&](const char* expression) {
    const bson::Document spec = bson::from_json(std::string("{\"e\": ") + expression + "}");
    return compile_expression(spec["e"], scope)->constant() != nullptr;
  };
  EXPECT_TRUE(is_kept(R"({"$add": [1, 2]})"));
  EXPECT_TRUE(is_kept(R"([{"a": {"$range": [0, 3]}}])"));
  EXPECT_FALSE(is_kept(R"({"$range": [0, 1000]})"));
  EXPECT_FALSE(is_kept(R"([{"a": {"$range": [0, 1000]}}])"));
  EXPECT_FALSE(is_kept(("[\"" + std::string(5000, 'x') + "\"]").c_str()));
}

class PipelineCase : public testing::TestWithParam<Case> {};

// {pipeline, input?, collections?, output} or {pipeline, input?, error}
TEST_P(PipelineCase, Holds) {
  const Case& test_case = GetParam();
  const bson::View collections = test_case.document("collections");
  PipelineContext context;
  context.variables.now = case_now();
  context.look_up = [&](std::string_view collection, bson::View filter) -> SourcePtr {
    if (collections[collection].is_missing()) return nullptr;
    return std::make_unique<ListSource>(collections[collection], filter);
  };
  if (!test_case["memoryLimit"].is_missing()) {
    context.memory_limit = static_cast<std::size_t>(*test_case["memoryLimit"].integer());
  }
  bson::Builder output;
  bson::Builder rest_output;
  std::string message;
  const int code = error_code_of(
      [&] {
        const Pipeline pipeline = Pipeline::compile(test_case.document("pipeline"), context);
        const SourcePtr source =
            pipeline.open(std::make_unique<ListSource>(test_case["input"]), context);
        while (const auto document = source->next()) output.push(*document);

        // The same by way of what a planner would do.
        const LeadingStages& leading = pipeline.leading();
        SourcePtr input =
            std::make_unique<ListSource>(test_case["input"], leading.filter, context.variables);
        if (!leading.sort.empty()) {
          input = open_sort(std::move(input), SortSpec::parse(leading.sort), {}, context);
        }
        if (leading.skip) input = open_skip(std::move(input), *leading.skip);
        if (leading.limit) input = open_limit(std::move(input), *leading.limit);
        const SourcePtr rest = pipeline.open_rest(std::move(input), context);
        while (const auto document = rest->next()) rest_output.push(*document);
      },
      &message);
  EXPECT_EQ(code, test_case.error()) << message;
  if (code != 0 || test_case.error() != 0) return;
  const std::string wanted = canonical(test_case.document("output"));
  EXPECT_EQ(canonical(output.finish()), wanted);
  EXPECT_EQ(canonical(rest_output.finish()), wanted);
}

INSTANTIATE_TEST_SUITE_P(Stages, PipelineCase,
                         testing::ValuesIn(load_cases("aggregate/cases/stages.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Group, PipelineCase,
                         testing::ValuesIn(load_cases("aggregate/cases/group.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Join, PipelineCase,
                         testing::ValuesIn(load_cases("aggregate/cases/join.json")), case_name);

}  // namespace
}  // namespace gesso::localdb
