// All users' generations as an administrator sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/repositories/generation_repository.hpp"
#include "tests/api/service_fixture.hpp"

namespace gesso::api {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Reply;

constexpr std::string_view kPath = "/api/v1/admin/generations";

class AdminGenerationsTest : public ::testing::Test {
 protected:
  testing::ServiceFixture fixture;
  std::string admin = fixture.token_of("admin@example.com");

  AdminGenerationsTest() { fixture.promote(admin); }

  // Puts generations there that were asked for at these milliseconds, each named after its own.
  void add(const models::UserId& user, std::initializer_list<int> times) {
    fixture.service().database.run([&](mongo::Session& session) {
      repositories::GenerationRepository generations(session, fixture.service().repository_context);
      for (const int time : times) {
        auto one = generations.make_generation({.user_id = user, .prompt = std::to_string(time)});
        one.created_at = Time(std::chrono::milliseconds(time));
        generations.create(one);
      }
    });
  }
  models::UserId user_of(std::string_view token) {
    const Reply me = fixture.ask("GET", "/api/v1/users/me", {}, token);
    return models::UserId(std::string(me.value().at("id").as_string()));
  }
  Reply list(std::string_view query) {
    return fixture.ask("GET", std::string(kPath) + "?status=pending" + std::string(query), {},
                       admin);
  }
  static std::vector<std::string> prompts(const Reply& reply) {
    std::vector<std::string> all;
    const boost::json::value said = reply.value();
    for (const auto& one : said.at("items").as_array()) {
      all.emplace_back(one.at("prompt").as_string());
    }
    return all;
  }
};

TEST_F(AdminGenerationsTest, AreOfAllUsersNewestFirstPageByPage) {
  add(models::UserId("user_1"), {1000, 3000, 5000});
  add(models::UserId("user_2"), {2000, 4000});
  const Reply first = list("&limit=2");
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_THAT(prompts(first), ElementsAre("5000", "4000"));
  const std::string older(first.value().at("older").as_string());
  const Reply second = list("&limit=3&before=" + older);
  EXPECT_THAT(prompts(second), ElementsAre("3000", "2000", "1000"));
  EXPECT_TRUE(second.value().at("older").is_null());
}

TEST_F(AdminGenerationsTest, NoneOfOneMomentFallsBetweenTwoPages) {
  add(models::UserId("user_1"), {1000, 2000, 2000, 2000, 3000});
  const Reply first = list("&limit=3");
  EXPECT_THAT(prompts(first), ElementsAre("3000"));
  const std::string older(first.value().at("older").as_string());
  EXPECT_THAT(prompts(list("&limit=4&before=" + older)),
              ElementsAre("2000", "2000", "2000", "1000"));
}

// What cannot be read stands in nobody's way to what is behind it.
TEST_F(AdminGenerationsTest, GoOnBehindWhatCannotBeRead) {
  add(models::UserId("user_1"), {1000, 2000, 3000, 4000, 5000});
  fixture.service().database.run([](mongo::Session& session) {
    for (const char* prompt : {"4000", "3000", "2000"}) {
      session.update_one("generations", bson::make_document("prompt", prompt),
                         bson::make_document("$set", bson::make_document("num_images", "four")));
    }
  });
  std::vector<std::string> met;
  std::string before;
  for (int pages = 0; pages < 5; ++pages) {
    const Reply page = list("&limit=2" + before);
    ASSERT_EQ(page.status, 200) << page.body;
    for (std::string& prompt : prompts(page)) met.push_back(std::move(prompt));
    const boost::json::value said = page.value();
    if (said.at("older").is_null()) break;
    before = "&before=" + std::string(said.at("older").as_string());
  }
  EXPECT_THAT(met, ElementsAre("5000", "1000"));
}

TEST_F(AdminGenerationsTest, AreOfOneUserAndOfOneStatusWhereThatIsAskedFor) {
  const models::UserId ann = user_of(fixture.token_of("ann@example.com"));
  add(ann, {1000, 2000});
  add(models::UserId("user_2"), {3000});
  EXPECT_THAT(prompts(list("&user_id=" + ann.str())), ElementsAre("2000", "1000"));
  EXPECT_THAT(prompts(list("&user_id=" + ann.str() + "&before=1970-01-01T00:00:02Z")),
              ElementsAre("1000"));
  const Reply completed = fixture.ask("GET", kPath, {}, admin);
  EXPECT_THAT(prompts(completed), IsEmpty());
}

TEST_F(AdminGenerationsTest, AreForAdministrators) {
  EXPECT_EQ(fixture.ask("GET", kPath, {}, fixture.token_of("ann@example.com")).status, 403);
  EXPECT_EQ(fixture.ask("GET", kPath).status, 401);
}

}  // namespace
}  // namespace gesso::api
