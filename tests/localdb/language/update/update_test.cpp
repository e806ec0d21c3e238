// What cases in JSON cannot say about updates.
#include "gesso/localdb/language/update/update.hpp"

#include "tests/localdb/language/match/case_file.hpp"

namespace gesso::localdb {
namespace {

using bson::from_json;
using bson::make_document;
using bson::Type;
using bson::Value;

Value value_of(const bson::Document& document) { return {Type::kDocument, document.data()}; }

TEST(UpdateTest, TellsItsForm) {
  const bson::Document operators = from_json(R"({"$set": {"a": 1}})");
  const bson::Document replacement = from_json(R"({"a": 1})");
  const bson::Document pipeline = from_json(R"({"0": {"$set": {"a": 1}}})");
  EXPECT_FALSE(Update::compile(value_of(operators)).is_replacement());
  EXPECT_FALSE(Update::compile(value_of(operators)).is_pipeline());
  EXPECT_TRUE(Update::compile(value_of(replacement)).is_replacement());
  EXPECT_TRUE(Update::compile(Value(Type::kArray, pipeline.data())).is_pipeline());
}

TEST(UpdateTest, OwnsItsSpecification) {
  std::optional<Update> update;
  {
    const bson::Document spec =
        from_json(R"({"$set": {"a.$[x].text": "a text that is longer than a few bytes"}})");
    const bson::Document filters = from_json(R"({"0": {"x.k": "a key that is long as well"}})");
    update = Update::compile(value_of(spec), Value(Type::kArray, filters.data()));
  }
  const Update moved = std::move(*update);
  const auto applied = moved.apply(
      from_json(R"({"_id": 1, "a": [{"k": "a key that is long as well"}]})"), nullptr, case_now());
  EXPECT_EQ(applied.document["a"].as_document().at_path("0.text").as_string(),
            "a text that is longer than a few bytes");
}

TEST(UpdateTest, OfTwoFieldsOfANameTheFirstIsUpdated) {
  const bson::Document spec = from_json(R"({"$set": {"a": 9}})");
  const auto applied =
      Update::compile(value_of(spec)).apply(make_document("a", 1, "a", 2), nullptr, case_now());
  EXPECT_EQ(canonical(applied.document), canonical(make_document("a", 9, "a", 2)));
}

TEST(UpdateTest, ADocumentIsNotNestedWithoutEnd) {
  bson::Document deep = make_document("x", 1);
  for (int i = 0; i < 150; ++i) deep = make_document("x", deep);
  std::string path = "p";
  for (int i = 0; i < 100; ++i) path += ".p";
  const bson::Document spec = make_document("$set", make_document(path, deep));
  const Update update = Update::compile(value_of(spec));
  EXPECT_EQ(error_code_of([&] {
              static_cast<void>(update.apply(make_document("_id", 1), nullptr, case_now()));
            }),
            15);
}

TEST(UpdateTest, PipelinesSeeTheVariablesOfTheCommand) {
  const bson::Document spec = from_json(R"({"0": {"$set": {"a": "$$wanted"}}})");
  const Update update = Update::compile(Value(Type::kArray, spec.data()), {},
                                        {.now = case_now(), .let = make_document("wanted", "x")});
  const auto applied = update.apply(make_document("_id", 1), nullptr, case_now());
  EXPECT_EQ(canonical(applied.document), canonical(make_document("_id", 1, "a", "x")));
}

}  // namespace
}  // namespace gesso::localdb
