#include "gesso/repositories/page.hpp"

#include <random>

#include "gesso/repositories/generation_repository.hpp"
#include "tests/repositories/fixture.hpp"

namespace gesso::repositories {
namespace {

using namespace query;
using models::Generation;
using models::UserId;

const UserId kAda = "user_ada";

class PageTest : public RepositoryTest {
 protected:
  Page<Generation> page(std::int64_t limit, const std::optional<std::string>& cursor = {},
                        const UserId& user_id = kAda) {
    return with<GenerationRepository>([&](GenerationRepository generations) {
      return generations.page_by_user(user_id, {}, {.limit = limit, .cursor = cursor.value_or("")});
    });
  }
  // "1", "2", ...: three to a moment, so that only the id tells neighbours apart.
  void add_numbered(int count) {
    for (int i = 1; i <= count; ++i) {
      add_generation(kAda, std::to_string(i));
      if (i % 3 == 0) clock_.advance(std::chrono::seconds(1));
    }
  }
};

using Prompts = std::vector<std::string>;
Prompts prompts(const Page<Generation>& page) {
  Prompts texts;
  for (const Generation& generation : page.items) texts.push_back(generation.prompt.str());
  return texts;
}

TEST_F(PageTest, PagesForwardAndBackGiveEachDocumentOnce) {
  add_numbered(8);
  const auto first = page(3);
  EXPECT_EQ(prompts(first), (Prompts{"8", "7", "6"}));
  EXPECT_EQ(first.previous, std::nullopt);
  const auto second = page(3, first.next);
  EXPECT_EQ(prompts(second), (Prompts{"5", "4", "3"}));
  const auto last = page(3, second.next);
  EXPECT_EQ(prompts(last), (Prompts{"2", "1"}));
  EXPECT_EQ(last.next, std::nullopt);

  const auto back = page(3, last.previous);
  EXPECT_EQ(prompts(back), prompts(second));
  const auto front = page(3, back.previous);
  EXPECT_EQ(prompts(front), prompts(first));
  EXPECT_EQ(front.previous, std::nullopt);
  EXPECT_EQ(prompts(page(3, front.next)), prompts(second));
}

TEST_F(PageTest, APageThatEndsWithTheListHasNoNext) {
  add_numbered(6);
  const auto first = page(3);
  EXPECT_EQ(page(3, first.next).next, std::nullopt);
  EXPECT_EQ(page(6).next, std::nullopt);
  EXPECT_EQ(page(1, std::nullopt, "user_nobody").next, std::nullopt);
}

TEST_F(PageTest, InsertsInBetweenNeitherRepeatNorSkip) {
  add_numbered(6);
  const auto first = page(2);
  EXPECT_EQ(prompts(first), (Prompts{"6", "5"}));
  add_generation(kAda, "new");
  const auto second = page(2, first.next);
  EXPECT_EQ(prompts(second), (Prompts{"4", "3"}));
  EXPECT_EQ(prompts(page(2, second.previous)), (Prompts{"6", "5"}));
  EXPECT_EQ(prompts(page(2)), (Prompts{"new", "6"}));
}

// On the way there and back every document that was there at first is met once, and in order,
// whatever is inserted before, behind and between those of its moment.
TEST_F(PageTest, TheWayThereAndBackMeetsEachOnceAmidInsertsOfOneMoment) {
  std::mt19937 random(7);
  const Time moment = clock_.now();
  const auto insert_near = [&](std::string_view prompt) {
    with<GenerationRepository>([&](GenerationRepository generations) {
      Generation made = generations.make_generation({.user_id = kAda, .prompt = prompt});
      made.id = "gen_" + std::to_string(random());
      made.created_at = moment + std::chrono::milliseconds(random() % 3);
      generations.create(made);
    });
  };
  for (int i = 0; i < 20; ++i) insert_near(std::to_string(i));
  const auto old_ones = [](const Page<Generation>& page) {
    Prompts texts = prompts(page);
    std::erase(texts, "new");
    return texts;
  };
  const Prompts order = prompts(page(100));
  Prompts there;
  auto at = page(3);
  for (;; at = page(3, at.next)) {
    for (const auto& text : old_ones(at)) there.push_back(text);
    insert_near("new");
    if (!at.next) break;
  }
  EXPECT_EQ(there, order);
  Prompts back;
  for (;; at = page(3, at.previous)) {
    const Prompts texts = old_ones(at);
    back.insert(back.begin(), texts.begin(), texts.end());
    insert_near("new");
    if (!at.previous) break;
  }
  EXPECT_EQ(back, order);
}

TEST_F(PageTest, DeletingTheDocumentAtACursorDoesNotMoveIt) {
  add_numbered(6);
  const auto first = page(2);
  with<GenerationRepository>([&](GenerationRepository generations) {
    EXPECT_TRUE(generations.delete_by_id(first.items.back().id));
  });
  EXPECT_EQ(prompts(page(2, first.next)), (Prompts{"4", "3"}));
}

TEST_F(PageTest, AnEmptyPageStillLeadsBack) {
  add_numbered(3);
  const auto first = page(2);
  const auto cursor = first.next;
  with<GenerationRepository>([&](GenerationRepository generations) {
    EXPECT_TRUE(generations.delete_by_id(page(2, cursor).items.at(0).id));
  });
  const auto empty = page(2, cursor);
  EXPECT_TRUE(empty.items.empty());
  EXPECT_EQ(empty.next, std::nullopt);
  EXPECT_EQ(prompts(page(2, empty.previous)), Prompts{"3"});
}

TEST_F(PageTest, OneStatusHasPagesOfItsOwn) {
  add_numbered(4);
  with<GenerationRepository>([&](GenerationRepository generations) {
    generations.mark_as_failed(generations.find_by_user(kAda)[1].id, "no paint");
    const auto status = models::GenerationStatus::kPending;
    const auto first = generations.page_by_user(kAda, status, {.limit = 2});
    EXPECT_EQ(prompts(first), (Prompts{"4", "2"}));
    EXPECT_EQ(prompts(generations.page_by_user(kAda, status, {.limit = 2, .cursor = *first.next})),
              Prompts{"1"});
  });
}

TEST_F(PageTest, AWholeCollectionHasPagesByItsId) {
  add_numbered(3);
  with<GenerationRepository>([&](GenerationRepository generations) {
    const auto first = generations.page(all<Generation>(), unsorted, {.limit = 2});
    EXPECT_EQ(prompts(first), (Prompts{"1", "2"}));
    EXPECT_EQ(
        prompts(generations.page(all<Generation>(), unsorted, {.limit = 2, .cursor = *first.next})),
        Prompts{"3"});
  });
}

TEST_F(PageTest, ACursorThatIsNoneIsRefused) {
  add_numbered(3);
  const std::string good = *page(2).next;
  EXPECT_EQ(prompts(page(2, good)), Prompts{"1"});
  for (const std::string& bad :
       {std::string("x"), std::string("!!!!"), good.substr(1), good.substr(0, good.size() - 4),
        good + "AAAA", std::string("BQAAAAA")}) {
    const Error error = error_of([&] { page(2, bad); });
    EXPECT_EQ(error.kind(), ErrorKind::kValidation) << bad;
    ASSERT_EQ(error.violations().size(), 1U) << bad;
    EXPECT_EQ(to_string(error.violations()[0].path), "cursor") << bad;
  }
}

TEST_F(PageTest, ACursorOfAnotherQueryIsRefused) {
  add_numbered(4);
  const std::string cursor = *page(2).next;
  EXPECT_NO_THROW(page(2, cursor, "user_grace"));  // the same query: the filter still applies
  const Error error = error_of([&] {
    with<GenerationRepository>([&](GenerationRepository generations) {
      (void)generations.page_by_user(kAda, models::GenerationStatus::kPending,
                                     {.limit = 2, .cursor = cursor});
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kValidation);
}

TEST_F(PageTest, ALimitOutOfRangeIsRefused) {
  EXPECT_EQ(error_of([&] { page(0); }).kind(), ErrorKind::kValidation);
  EXPECT_EQ(error_of([&] { page(1001); }).kind(), ErrorKind::kValidation);
}

}  // namespace
}  // namespace gesso::repositories
