#include "gesso/http/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace gesso::http {
namespace {

class RouterTest : public ::testing::Test {
  std::vector<std::string> paths_;

 protected:
  Router router;

  void add(Method method, const std::string& path) {
    router.add(method, path, paths_.size());
    paths_.push_back(path);
  }

  // The template of the route and its parameters; "404", "405" or "400" for none.
  std::string route(Method method, const std::string& path) {
    const Routing found = router.find(method, path);
    if (std::holds_alternative<NoSuchPath>(found)) return "404";
    if (std::holds_alternative<MethodNotAllowed>(found)) return "405";
    if (std::holds_alternative<MalformedPath>(found)) return "400";
    const Route& one = std::get<Route>(found);
    std::string text = paths_.at(one.target);
    for (const auto& [name, value] : one.params) text += " " + std::string(name) + "=" + value;
    return text;
  }
};

TEST_F(RouterTest, FixedTextWinsOverAParameter) {
  add(Method::kGet, "/items/{id}");
  add(Method::kGet, "/items/stats");
  EXPECT_EQ(route(Method::kGet, "/items/stats"), "/items/stats");
  EXPECT_EQ(route(Method::kGet, "/items/stat"), "/items/{id} id=stat");
}

TEST_F(RouterTest, GoesBackToAParameterWhereFixedTextLeadsNowhere) {
  add(Method::kGet, "/items/{id}/parts/{part}");
  add(Method::kGet, "/items/stats");
  EXPECT_EQ(route(Method::kGet, "/items/stats/parts/7"),
            "/items/{id}/parts/{part} id=stats part=7");
}

TEST_F(RouterTest, DecodesParametersAfterSplittingThePath) {
  add(Method::kGet, "/items/{id}");
  EXPECT_EQ(route(Method::kGet, "/items/a%2Fb%20c"), "/items/{id} id=a/b c");
  EXPECT_EQ(route(Method::kGet, "/items/a%2"), "400");
  EXPECT_EQ(route(Method::kGet, "/items/%zz"), "400");
}

TEST_F(RouterTest, FindsNothingForWhatIsNoRoute) {
  add(Method::kGet, "/items/{id}");
  add(Method::kGet, "/");
  EXPECT_EQ(route(Method::kGet, "/"), "/");
  for (const char* path :
       {"/item", "/items", "/items/", "/items/1/", "//items/1", "", "*", "items/1"}) {
    EXPECT_EQ(route(Method::kGet, path), "404") << path;
  }
}

TEST_F(RouterTest, NamesTheMethodsThatAPathTakes) {
  add(Method::kGet, "/items");
  add(Method::kPost, "/items");
  EXPECT_EQ(std::get<MethodNotAllowed>(router.find(Method::kDelete, "/items")).allow,
            "GET, HEAD, POST");
  EXPECT_EQ(router.methods_of("/items"), "GET, HEAD, POST");
  EXPECT_EQ(router.methods_of("/others"), std::nullopt);
  EXPECT_EQ(route(Method::kOther, "/items"), "405");
}

TEST_F(RouterTest, ServesHeadWithTheRouteOfGet) {
  add(Method::kGet, "/items");
  EXPECT_EQ(route(Method::kHead, "/items"), "/items");
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
