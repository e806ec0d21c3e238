#include "gesso/api/bind.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/models/generation.hpp"

namespace gesso::api {

struct PaintingBody {
  schema::Text<1, 10> title;
  schema::Integer<1, 4> count = 1;

  static constexpr std::string_view kName = "PaintingBody";
};
GESSO_FIELDS(PaintingBody, (title, "What it is called."), (count, "How many.", schema::kHasDefault))

struct Paint {
  std::string id;
  std::optional<models::GenerationStatus> status = {};
  schema::Integer<1, 100> limit = 20;
  std::optional<bool> draft = {};
  std::optional<double> scale = {};
  std::vector<std::int64_t> layers = {};
  std::optional<schema::Text<1, 20>> idempotency_key = {};
  PaintingBody body;
};
GESSO_FIELDS(Paint, (id, "Which."), (status, "Of this status."),
             (limit, "At most.", schema::kHasDefault), (draft, "Whether."), (scale, "How large."),
             (layers, "Which ones."), (idempotency_key, "Once.", kFromHeader), (body, "What."))

struct Upload {
  RawBody body;
};
GESSO_FIELDS(Upload, (body, "As it is."))

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class BindTest : public ::testing::Test {
 protected:
  http::Request request;
  http::PathParameters path{{"id", "7"}};
  std::vector<Violation> violations;

  BindTest() { request.body = R"({"title":"Lake"})"; }

  template <class Input = Paint>
  std::optional<Input> bind() {
    violations.clear();
    return bind_input<Input>({.request = request, .path = path}, violations);
  }
  // "query.limit int_parsing"
  std::vector<std::string> faults() {
    std::vector<std::string> texts;
    for (const Violation& one : violations) texts.push_back(to_string(one.path) + " " + one.type);
    return texts;
  }
};

TEST_F(BindTest, ReadsEachFieldFromWhereItComes) {
  request.query = "status=failed&limit=5&draft=on&scale=1.5&layers=1&layers=3&unknown=1";
  request.headers.add("idempotency-key", "abc");
  request.body = R"({"title":"Lake","count":3})";
  const auto input = bind();
  ASSERT_TRUE(input) << ::testing::PrintToString(faults());
  EXPECT_EQ(input->id, "7");
  EXPECT_EQ(input->status, models::GenerationStatus::kFailed);
  EXPECT_EQ(input->limit.value(), 5);
  EXPECT_EQ(input->draft, true);
  EXPECT_EQ(input->scale, 1.5);
  EXPECT_THAT(input->layers, ElementsAre(1, 3));
  EXPECT_EQ(input->idempotency_key->str(), "abc");
  EXPECT_EQ(input->body.title.str(), "Lake");
  EXPECT_EQ(input->body.count.value(), 3);
}

TEST_F(BindTest, LeavesDefaultsWhereNothingIsSaid) {
  const auto input = bind();
  ASSERT_TRUE(input);
  EXPECT_EQ(input->limit.value(), 20);
  EXPECT_EQ(input->status, std::nullopt);
  EXPECT_EQ(input->idempotency_key, std::nullopt);
  EXPECT_THAT(input->layers, IsEmpty());
}

TEST_F(BindTest, TellsAllThatDoesNotFitAndWhereItWas) {
  request.query = "status=lost&limit=x&draft=maybe&scale=big&layers=1&layers=two";
  request.headers.add("Idempotency-Key", "");
  request.body = R"({"title":"","count":9,"more":1})";
  EXPECT_FALSE(bind());
  EXPECT_THAT(
      faults(),
      ElementsAre("query.status enum", "query.limit int_parsing", "query.draft bool_parsing",
                  "query.scale float_parsing", "query.layers int_parsing",
                  "header.Idempotency-Key string_too_short", "body.title string_too_short",
                  "body.count less_than_equal", "body.more extra_forbidden"));
}

TEST_F(BindTest, RefusesABodyThatIsNoJsonOrSaysSo) {
  request.body = R"({"title":)";
  EXPECT_FALSE(bind());
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].type, "json_invalid");
  EXPECT_EQ(std::get<std::string>(violations[0].path.at(0)), "body");

  request.body = R"({"title":"Lake"})";
  request.headers.add("Content-Type", "text/plain");
  EXPECT_FALSE(bind());
  EXPECT_THAT(faults(), ElementsAre("body model_attributes_type"));
}

TEST_F(BindTest, TheLastOfSeveralCounts) {
  request.query = "limit=5&limit=6";
  EXPECT_EQ(bind()->limit.value(), 6);
}

TEST_F(BindTest, APathParameterIsNotTakenFromTheQuery) {
  request.query = "id=8";
  EXPECT_EQ(bind()->id, "7");
  path.clear();
  path.emplace_back("id", "9");
  EXPECT_EQ(bind()->id, "9");
}

TEST_F(BindTest, GivesABodyAsItCame) {
  request.body = std::string("\0{not json", 10);
  EXPECT_EQ(bind<Upload>()->body.bytes, request.body);
}

TEST_F(BindTest, RefusesTextThatIsNoUtf8) {
  path = {{"id", "\xff"}};
  EXPECT_FALSE(bind());
  EXPECT_THAT(faults(), ElementsAre("path.id string_unicode"));
}

TEST_F(BindTest, DescribesWhatItReads) {
  const InputSchema schema = input_schema<Paint>("/paintings/{id}");
  std::vector<std::string> texts;
  for (const ParameterSchema& one : schema.parameters) {
    texts.push_back(std::string(one.in) + " " + one.name + (one.required ? " required" : ""));
  }
  EXPECT_THAT(texts, ElementsAre("path id required", "query status", "query limit", "query draft",
                                 "query scale", "query layers", "header Idempotency-Key"));
  EXPECT_TRUE(schema.body);
  EXPECT_TRUE(schema.body_required);
  EXPECT_TRUE(input_schema<Upload>("/x").raw_body);
}

}  // namespace
}  // namespace gesso::api
