#include "gesso/http/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace gesso::http {
namespace {

class Kept final : public ResponseSink {
  void deliver(Response response) noexcept override { kept = std::move(response); }

 public:
  Response kept{.status = 0};
};

class RouterTest : public ::testing::Test {
 protected:
  Router router;

  // A route whose handler answers with its name and its parameters.
  void add(Method method, const std::string& path) {
    router.add(method, path, [path](Request request, Responder respond) {
      std::string body = path;
      for (const auto& [name, value] : request.params) {
        body += " " + std::string(name) + "=" + value;
      }
      respond({.body = body});
    });
  }

  Response route(Method method, const std::string& path) {
    const auto sink = std::make_shared<Kept>();
    Request request;
    request.method = method;
    request.path = path;
    router.route(std::move(request), Responder(sink));
    return sink->kept;
  }
};

TEST_F(RouterTest, FixedTextWinsOverAParameter) {
  add(Method::kGet, "/items/{id}");
  add(Method::kGet, "/items/stats");
  EXPECT_EQ(route(Method::kGet, "/items/stats").body, "/items/stats");
  EXPECT_EQ(route(Method::kGet, "/items/stat").body, "/items/{id} id=stat");
}

TEST_F(RouterTest, GoesBackToAParameterWhereFixedTextLeadsNowhere) {
  add(Method::kGet, "/items/{id}/parts/{part}");
  add(Method::kGet, "/items/stats");
  EXPECT_EQ(route(Method::kGet, "/items/stats/parts/7").body,
            "/items/{id}/parts/{part} id=stats part=7");
}

TEST_F(RouterTest, DecodesParametersAfterSplittingThePath) {
  add(Method::kGet, "/items/{id}");
  EXPECT_EQ(route(Method::kGet, "/items/a%2Fb%20c").body, "/items/{id} id=a/b c");
  EXPECT_EQ(route(Method::kGet, "/items/a%2").status, 400);
  EXPECT_EQ(route(Method::kGet, "/items/%zz").status, 400);
}

TEST_F(RouterTest, AnswersNotFoundForWhatIsNoRoute) {
  add(Method::kGet, "/items/{id}");
  add(Method::kGet, "/");
  EXPECT_EQ(route(Method::kGet, "/").status, 200);
  for (const char* path :
       {"/item", "/items", "/items/", "/items/1/", "//items/1", "", "*", "items/1"}) {
    EXPECT_EQ(route(Method::kGet, path).status, 404) << path;
  }
}

TEST_F(RouterTest, NamesTheMethodsThatAPathTakes) {
  add(Method::kGet, "/items");
  add(Method::kPost, "/items");
  const Response response = route(Method::kDelete, "/items");
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(response.headers, ::testing::Contains(::testing::Pair("Allow", "GET, HEAD, POST")));
  EXPECT_EQ(route(Method::kOther, "/items").status, 405);
}

TEST_F(RouterTest, AnswersHeadWithTheRouteOfGet) {
  add(Method::kGet, "/items");
  EXPECT_EQ(route(Method::kHead, "/items").body, "/items");
}

TEST_F(RouterTest, RefusesARouteThatIsThereAlready) {
  add(Method::kGet, "/items/{id}");
  EXPECT_THROW(add(Method::kGet, "/items/{name}"), std::logic_error);
  EXPECT_THROW(add(Method::kGet, "items"), std::logic_error);
}

TEST(Query, SplitsAndDecodes) {
  EXPECT_EQ(parse_query("a=1&b=x+y%20z&c&=d&&e=%zz&a=2"),
            (QueryParameters{
                {"a", "1"}, {"b", "x y z"}, {"c", ""}, {"", "d"}, {"e", "%zz"}, {"a", "2"}}));
  EXPECT_TRUE(parse_query("").empty());
}

TEST(HeadersTest, FindInAnyCaseOfLetters) {
  Headers headers;
  headers.add("Content-Type", "text/plain");
  headers.add("X-A", "");
  headers.add("content-type", "second");
  EXPECT_EQ(headers.find("CONTENT-TYPE"), "text/plain");
  EXPECT_EQ(headers.find("x-a"), "");
  EXPECT_FALSE(headers.find("x-ab"));
  EXPECT_EQ(headers.count("content-type"), 2u);
}

}  // namespace
}  // namespace gesso::http
