// Updates, by the cases in update/cases/.
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/language/update/update.hpp"
#include "tests/localdb/language/match/case_file.hpp"

namespace gesso::localdb {
namespace {

class UpdateCase : public testing::TestWithParam<Case> {};

// {update, query?, arrayFilters?, before, after} (after left out: unchanged), or {..., error}, or
// {update, upsert: query, inserted}
TEST_P(UpdateCase, Holds) {
  const Case& test_case = GetParam();
  const bool upsert = !test_case["upsert"].is_missing();
  const bson::View before = test_case.document("before");
  bson::Document result;
  bool changed = false;
  std::string message;
  const int code = error_code_of(
      [&] {
        const Matcher query = Matcher::compile(test_case.document(upsert ? "upsert" : "query"));
        const Update update = Update::compile(test_case["update"], test_case["arrayFilters"],
                                              {.now = case_now(), .let = {}});
        if (upsert) {
          result = update.upsert(query, case_now());
          return;
        }
        Update::Applied applied = update.apply(before, &query, case_now());
        result = std::move(applied.document);
        changed = applied.changed;
      },
      &message);
  EXPECT_EQ(code, test_case.error()) << message;
  if (code != 0 || test_case.error() != 0) return;
  if (upsert) {
    EXPECT_EQ(canonical(result), canonical(test_case.document("inserted")));
    return;
  }
  const bool expect_change = !test_case["after"].is_missing();
  EXPECT_EQ(canonical(result), canonical(expect_change ? test_case.document("after") : before));
  EXPECT_EQ(changed, expect_change);
}

INSTANTIATE_TEST_SUITE_P(Fields, UpdateCase,
                         testing::ValuesIn(load_cases("update/cases/fields.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Arrays, UpdateCase,
                         testing::ValuesIn(load_cases("update/cases/arrays.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Positional, UpdateCase,
                         testing::ValuesIn(load_cases("update/cases/positional.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Forms, UpdateCase,
                         testing::ValuesIn(load_cases("update/cases/forms.json")), case_name);
INSTANTIATE_TEST_SUITE_P(Upsert, UpdateCase,
                         testing::ValuesIn(load_cases("update/cases/upsert.json")), case_name);

}  // namespace
}  // namespace gesso::localdb
