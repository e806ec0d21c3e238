#include "gesso/api/openapi.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "gesso/api/operations.hpp"

namespace gesso::api {

// A resource that is read and sent, holds another that is, and has problems of its own.
struct Shape {
  std::int64_t sides = 4;

  static constexpr std::string_view kName = "Shape";
  static constexpr std::string_view kAbout = "A shape.";
};
GESSO_FIELDS(Shape, (sides, "How many.", schema::kHasDefault))

struct Drawing {
  Shape shape;
  std::optional<std::string> colour = {};

  static constexpr std::string_view kName = "Drawing";
  static constexpr std::string_view kExample = R"({"shape": {"sides": 3}})";
};
GESSO_FIELDS(Drawing, (shape, "What it shows."), (colour, "What it is drawn with."))

struct PutDrawing {
  std::string id;
  std::optional<std::string> idempotency_key = {};
  Drawing body;
};
GESSO_FIELDS(PutDrawing, (id, "Which."), (idempotency_key, "Once.", kFromHeader), (body, "What."))

struct TooManySides : Problem<409, "too_many_sides", "Too many sides"> {
  std::int64_t most = 0;
};
GESSO_FIELDS(TooManySides, (most, "So many may be."))
using Locked = Problem<409, "locked", "Somebody draws on it">;

namespace {

namespace json = boost::json;

class OpenapiOfAllTest : public ::testing::Test {
 protected:
  const json::value document = json::parse(openapi_document(operations(), "1.2.3"));

  const json::value& at(const std::string& pointer) { return document.at_pointer(pointer); }
};

TEST_F(OpenapiOfAllTest, HasEveryOperationOnceUnderItsPathAndMethod) {
  std::set<std::string> ids;
  for (const auto& [path, item] : at("/paths").as_object()) {
    for (const auto& [method, operation] : item.as_object()) {
      EXPECT_TRUE(ids.insert(std::string(operation.at("operationId").as_string())).second);
    }
  }
  for (const Operation& operation : operations()) {
    EXPECT_EQ(ids.contains(std::string(operation.info().id)), !operation.info().hidden)
        << operation.info().id;
  }
  EXPECT_FALSE(ids.contains("getDocs"));
}

TEST_F(OpenapiOfAllTest, ResolvesEveryReference) {
  std::size_t references = 0;
  const auto walk = [&](const auto& self, const json::value& value) -> void {
    if (const auto* array = value.if_array()) {
      for (const auto& item : *array) self(self, item);
    } else if (const auto* object = value.if_object()) {
      for (const auto& [key, member] : *object) {
        if (key == "$ref") {
          ++references;
          const std::string name(member.as_string());
          boost::system::error_code missing;
          EXPECT_NE(document.find_pointer(name.substr(1), missing), nullptr) << name;
        } else {
          self(self, member);
        }
      }
    }
  };
  walk(walk, document);
  EXPECT_GT(references, 10u);
}

TEST_F(OpenapiOfAllTest, SaysWhatAListTakesAndGives) {
  const auto& list = at("/paths/~1api~1v1~1generations/get");
  std::set<std::string> names;
  for (const auto& one : list.at("parameters").as_array()) {
    names.insert(std::string(one.at("name").as_string()));
    EXPECT_EQ(one.at("in").as_string(), "query");
  }
  EXPECT_EQ(names, (std::set<std::string>{"status", "limit", "cursor"}));
  EXPECT_EQ(list.at_pointer("/responses/200/content/application~1json/schema/$ref").as_string(),
            "#/components/schemas/GenerationPage");
  EXPECT_EQ(at("/components/schemas/GenerationPage/properties/items/items/$ref").as_string(),
            "#/components/schemas/Generation");
  EXPECT_EQ(list.at_pointer("/security/0/bearer/0").as_string(), "generations:read");
}

TEST_F(OpenapiOfAllTest, NamesTheProblemsOfTheFunctionsType) {
  const auto& responses = at("/paths/~1api~1v1~1generations/post/responses").as_object();
  EXPECT_TRUE(responses.contains("201"));
  EXPECT_TRUE(responses.contains("422"));
  EXPECT_TRUE(responses.contains("413"));
  // To know what is left of a caller's limit takes a look, also where the answer itself takes none.
  const auto& plans = at("/paths/~1api~1v1~1plans/get/responses").as_object();
  EXPECT_TRUE(plans.contains("503"));
  EXPECT_FALSE(plans.contains("413"));
  EXPECT_THAT(std::string(responses.at("402").at("description").as_string()),
              ::testing::HasSubstr("not_enough_credits"));
}

TEST_F(OpenapiOfAllTest, SaysWhatEachTagIsAbout) {
  for (const json::value& tag : at("/tags").as_array()) {
    EXPECT_TRUE(tag.as_object().contains("description")) << tag;
  }
}

TEST_F(OpenapiOfAllTest, ShowsNoInternalField) {
  const auto& user = at("/components/schemas/User/properties").as_object();
  EXPECT_TRUE(user.contains("email"));
  EXPECT_FALSE(user.contains("hashed_password"));
  EXPECT_FALSE(user.contains("pending_charges"));
}

TEST_F(OpenapiOfAllTest, TellsWhatElseASuccessMayBe) {
  const auto& responses = at("/paths/~1api~1v1~1auth~1register/post/responses").as_object();
  EXPECT_EQ(responses.at("202").at_pointer("/content/application~1json/schema/$ref"),
            "#/components/schemas/Acknowledgement");
  EXPECT_EQ(responses.at("201").at_pointer("/content/application~1json/schema/$ref"),
            "#/components/schemas/User");
  for (const auto& [path, item] : at("/paths").as_object()) {
    for (const auto& [method, operation] : item.as_object()) {
      for (const auto& [status, response] : operation.at("responses").as_object()) {
        const json::value* content = response.as_object().if_contains("content");
        const bool problem =
            content != nullptr && content->as_object().contains("application/problem+json");
        EXPECT_FALSE(problem && status.starts_with('2')) << path << " " << status;
      }
    }
  }
}

void expect_no_key_twice(const bson::View& document, const std::string& path) {
  std::set<std::string> keys;
  for (const bson::Element& element : document) {
    const std::string here = path + "/" + std::string(element.key);
    EXPECT_TRUE(keys.insert(std::string(element.key)).second) << here;
    if (element.value.is_document() || element.value.is_array()) {
      expect_no_key_twice(element.value.as_document(), here);
    }
  }
}

// What the document is made of, before a parser that takes the last of two has seen it.
TEST(SchemasOfOperations, HaveNoKeyTwice) {
  for (const Operation& operation : operations()) {
    const std::string id(operation.info().id);
    const OperationSchema schema = operation.describe();
    if (schema.input.body) expect_no_key_twice(schema.input.body->view(), id + " body");
    for (const ParameterSchema& parameter : schema.input.parameters) {
      expect_no_key_twice(parameter.schema.view(), id + " " + std::string(parameter.name));
    }
    if (schema.output.json) expect_no_key_twice(schema.output.json->view(), id + " output");
    for (const ProblemSchema& problem : schema.problems) {
      if (problem.members) expect_no_key_twice(problem.members->view(), id + " problem");
    }
  }
  expect_no_key_twice(schema::json_schema<Drawing>().view(), "Drawing");
}

using Later = Alternative<202, Shape, "It is drawn later.">;

Result<Drawing, Later, NotFound, TooManySides, Locked> put_drawing(DatabaseCall&,
                                                                   const PutDrawing&) {
  return NotFound{};
}

constexpr OperationInfo kPutDrawing{.method = http::Method::kPut,
                                    .path = "/drawings/{id}",
                                    .id = "putDrawing",
                                    .tag = "Generations",
                                    .summary = "Draw.",
                                    .scope = Scope::kGenerationsWrite,
                                    .limit = LimitClass::kWrite,
                                    .location = "/drawings/{id}"};

class OpenapiOfDrawingsTest : public ::testing::Test {
 protected:
  static constexpr Operation kAll[] = {operation<put_drawing>(kPutDrawing)};
  const json::value document = json::parse(openapi_document(kAll, "1"));

  const json::value& at(const std::string& pointer) { return document.at_pointer(pointer); }
  const json::value& put(const std::string& pointer) {
    return at("/paths/~1drawings~1{id}/put" + pointer);
  }
};

TEST_F(OpenapiOfDrawingsTest, TellsWhatIsReadFromWhatIsSent) {
  EXPECT_EQ(put("/requestBody/content/application~1json/schema/$ref"),
            "#/components/schemas/DrawingInput");
  EXPECT_EQ(put("/responses/200/content/application~1json/schema/$ref"),
            "#/components/schemas/Drawing");
  EXPECT_EQ(at("/components/schemas/DrawingInput/properties/shape/$ref"),
            "#/components/schemas/ShapeInput");
  EXPECT_EQ(at("/components/schemas/Drawing/properties/shape/$ref"), "#/components/schemas/Shape");
  EXPECT_EQ(at("/components/schemas/DrawingInput/required"), json::value({"shape"}));
  EXPECT_EQ(at("/components/schemas/Drawing/required"), json::value({"shape", "colour"}));
}

TEST_F(OpenapiOfDrawingsTest, KeepsWhatAStructAndWhatItsFieldSay) {
  EXPECT_EQ(at("/components/schemas/Drawing/properties/shape/description"), "What it shows.");
  EXPECT_EQ(at("/components/schemas/Shape/description"), "A shape.");
}

TEST_F(OpenapiOfDrawingsTest, TellsAlternatives) {
  EXPECT_EQ(put("/responses/202/description"), "It is drawn later.");
  EXPECT_EQ(put("/responses/202/content/application~1json/schema/$ref"),
            "#/components/schemas/Shape");
  EXPECT_TRUE(put("/responses/202/headers").as_object().contains("RateLimit"));
}

TEST_F(OpenapiOfDrawingsTest, TellsProblemsOfOneStatusApartByTheirCode) {
  const json::value& schema = put("/responses/409/content/application~1problem+json/schema");
  EXPECT_EQ(schema.at("oneOf").as_array().size(), 2u);
  EXPECT_EQ(schema.at_pointer("/discriminator/mapping/too_many_sides"),
            "#/components/schemas/TooManySidesProblem");
  const json::value& problem = at("/components/schemas/TooManySidesProblem");
  EXPECT_EQ(problem.at_pointer("/properties/code/const"), "too_many_sides");
  EXPECT_EQ(problem.at_pointer("/properties/status/const"), 409);
  EXPECT_EQ(problem.at_pointer("/properties/most/type"), "integer");
  EXPECT_EQ(problem.at_pointer("/allOf/0/$ref"), "#/components/schemas/Problem");
}

TEST_F(OpenapiOfDrawingsTest, NamesWhatTheChainAnswersAndWithWhichHeaders) {
  for (const char* status :
       {"200", "401", "403", "404", "409", "413", "422", "429", "503", "504"}) {
    EXPECT_TRUE(put("/responses").as_object().contains(status)) << status;
  }
  EXPECT_TRUE(put("/responses/200/headers").as_object().contains("Location"));
  EXPECT_TRUE(put("/responses/429/headers").as_object().contains("Retry-After"));
  EXPECT_TRUE(put("/responses/503/headers").as_object().contains("Retry-After"));
  EXPECT_TRUE(put("/responses/401/headers").as_object().contains("WWW-Authenticate"));
  const json::value& limited = at("/components/schemas/RateLimitedProblem");
  EXPECT_EQ(limited.at_pointer("/properties/violated-policies/items/type"), "string");
  EXPECT_EQ(limited.at("required"), json::value({"status", "code", "violated-policies"}));
}

TEST_F(OpenapiOfDrawingsTest, SaysWhereEachParameterIs) {
  std::set<std::string> places;
  for (const json::value& one : put("/parameters").as_array()) {
    places.insert(std::string(one.at("in").as_string()) + " " +
                  std::string(one.at("name").as_string()));
  }
  EXPECT_EQ(places, (std::set<std::string>{"path id", "header Idempotency-Key"}));
  EXPECT_EQ(put("/requestBody/content/application~1json/example/shape/sides"), 3);
  EXPECT_EQ(put("/security/0/bearer/0"), "generations:write");
  EXPECT_EQ(put("/security/1/apiKey/0"), "generations:write");
}

TEST(OpenapiTest, RefusesWhatWouldMakeTheDocumentWrong) {
  static constexpr Operation kTwice[] = {operation<put_drawing>(kPutDrawing),
                                         operation<put_drawing>(kPutDrawing)};
  EXPECT_THROW((void)openapi_document(kTwice, "1"), std::logic_error);
}

}  // namespace
}  // namespace gesso::api
