// Filters, sorts and projections, by the cases in match/cases/.
#include <algorithm>

#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/language/match/projection.hpp"
#include "gesso/localdb/language/match/sort.hpp"
#include "tests/localdb/language/match/case_file.hpp"

namespace gesso::localdb {
namespace {

class FilterCase : public testing::TestWithParam<Case> {};

// {filter, matches: [...], rejects: [...]} or {filter, error}
TEST_P(FilterCase, Holds) {
  const Case& test_case = GetParam();
  if (test_case.error() != 0) {
    EXPECT_EQ(error_code_of([&] {
                const Matcher matcher = Matcher::compile(test_case.document("filter"));
                static_cast<void>(matcher.matches(test_case.document("document")));
              }),
              test_case.error());
    return;
  }
  const Matcher matcher = Matcher::compile(test_case.document("filter"), {.now = case_now()});
  for (const bson::Element& document : test_case.document("matches")) {
    EXPECT_TRUE(matcher.matches(document.value.as_document())) << canonical(document.value);
  }
  for (const bson::Element& document : test_case.document("rejects")) {
    EXPECT_FALSE(matcher.matches(document.value.as_document())) << canonical(document.value);
  }
  EXPECT_FALSE(test_case.document("matches").empty() && test_case.document("rejects").empty());
}

INSTANTIATE_TEST_SUITE_P(Comparison, FilterCase,
                         testing::ValuesIn(load_cases("match/cases/comparison.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Paths, FilterCase, testing::ValuesIn(load_cases("match/cases/paths.json")),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Operators, FilterCase,
                         testing::ValuesIn(load_cases("match/cases/operators.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Errors, FilterCase,
                         testing::ValuesIn(load_cases("match/cases/errors.json")), case_name);

class SortCase : public testing::TestWithParam<Case> {};

// {sort, documents: [{_id, ...}], sorted: [ids]} or {sort, documents, error}
TEST_P(SortCase, Holds) {
  const Case& test_case = GetParam();
  std::vector<bson::View> documents;
  for (const bson::Element& document : test_case.document("documents")) {
    documents.push_back(document.value.as_document());
  }
  bson::Builder ids;
  const int code = error_code_of([&] {
    const SortSpec sort = SortSpec::parse(test_case.document("sort"));
    std::ranges::stable_sort(documents, [&sort](bson::View left, bson::View right) {
      return sort.compare(left, right) < 0;
    });
    for (const bson::View document : documents) ids.push(document["_id"]);
  });
  EXPECT_EQ(code, test_case.error());
  if (code == 0) {
    EXPECT_EQ(canonical(ids.finish()), canonical(test_case.document("sorted")));
  }
}

INSTANTIATE_TEST_SUITE_P(Sort, SortCase, testing::ValuesIn(load_cases("match/cases/sort.json")),
                         case_name);

class ProjectionCase : public testing::TestWithParam<Case> {};

// {projection, query?, document, result} or {projection, document?, error}
TEST_P(ProjectionCase, Holds) {
  const Case& test_case = GetParam();
  bson::Document result;
  std::string message;
  const int code = error_code_of(
      [&] {
        const Matcher query = Matcher::compile(test_case.document("query"));
        const Projection projection = Projection::compile(
            test_case.document("projection"), ProjectionKind::kFind, {.now = case_now()});
        result = projection.apply(test_case.document("document"), &query);
      },
      &message);
  EXPECT_EQ(code, test_case.error()) << message;
  if (code == 0) {
    EXPECT_EQ(canonical(result), canonical(test_case.document("result")));
  }
}

INSTANTIATE_TEST_SUITE_P(Projection, ProjectionCase,
                         testing::ValuesIn(load_cases("match/cases/projection.json")), case_name);

}  // namespace
}  // namespace gesso::localdb
