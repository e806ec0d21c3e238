// All users' generations, as an administrator sees them.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "gesso/api/operations.hpp"
#include "gesso/repositories/generation_repository.hpp"

namespace gesso::api {

struct ListAllGenerations {
  models::GenerationStatus status = models::GenerationStatus::kCompleted;
  std::optional<models::UserId> user_id = {};
  std::optional<Time> before = {};
  schema::Integer<1, 100> limit = 20;
};
GESSO_FIELDS(ListAllGenerations, (status, "Only those of this status.", schema::kHasDefault),
             (user_id, "Only those of this user."),
             (before, "Only those that were asked for before: `older` of the page before."),
             (limit, "At most so many.", schema::kHasDefault))

struct GenerationsOfAll {
  std::vector<models::Generation> items;
  std::optional<Time> older = {};

  static constexpr std::string_view kName = "GenerationsOfAll";
  static constexpr std::string_view kAbout = "Generations of all users, newest first.";
};
GESSO_FIELDS(GenerationsOfAll, (items, "Newest first."),
             (older, "The `before` that gives the next page; null on the last one."))

namespace {

using models::Generation;

// Of one more than fits, those that fit. Pages are told apart by time, so none of a moment goes to
// the next page alone: where a moment is cut, all of it does.
GenerationsOfAll page_of(std::vector<Generation> found, std::size_t limit) {
  if (found.size() <= limit) return {.items = std::move(found)};
  const Time cut = found[limit].created_at;
  auto end = found.begin() + static_cast<std::ptrdiff_t>(limit);
  const auto kept = std::ranges::find(found.begin(), end, cut, &Generation::created_at);
  if (kept != found.begin()) end = kept;  // else a page is full of one millisecond
  found.erase(end, found.end());
  const Time older = found.back().created_at;
  return {.items = std::move(found), .older = older};
}

Result<GenerationsOfAll> list_all_generations(DatabaseCall& call, const ListAllGenerations& asked) {
  const auto limit = static_cast<std::size_t>(asked.limit.value());
  GenerationsOfAll page =
      page_of(call.make<repositories::GenerationRepository>().find_newest(
                  asked.status, asked.user_id, asked.before,
                  {.limit = asked.limit + 1,
                   .skip_undecodable =
                       [&](const Error& error) {
                         spdlog::error("{}: left out of a list: {}", call.request_id, error.what());
                       }}),
              limit);
  for (Generation& one : page.items) one = with_links(call.services, std::move(one));
  return page;
}

constexpr Operation kOperations[] = {
    operation<list_all_generations>({.path = "/api/v1/admin/generations",
                                     .id = "listAllGenerations",
                                     .tag = "Administration",
                                     .summary = "Generations of all users, newest first.",
                                     .scope = Scope::kAdmin}),
};

}  // namespace

Operations admin_generation_operations() { return kOperations; }

}  // namespace gesso::api
