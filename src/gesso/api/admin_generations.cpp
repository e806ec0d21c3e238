// All users' generations, as an administrator sees them.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

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
using repositories::GenerationRepository;

struct Moment {
  Time created_at;
};
BOOST_DESCRIBE_STRUCT(Moment, (), (created_at))

constexpr Time kEndOfTime = std::chrono::sys_days{std::chrono::year{9999} / 12 / 31};

// When one more than fits were asked for, newest first.
std::vector<Moment> moments_of(GenerationRepository& generations, const ListAllGenerations& asked) {
  using namespace query;
  const repositories::ListOptions options{.limit = asked.limit + 1};
  const auto of_status = where<&Generation::status> == asked.status &&
                         where<&Generation::created_at> < asked.before.value_or(kEndOfTime);
  if (!asked.user_id) {
    return generations.find_many(of_status, sort_by(desc<&Generation::created_at>), options,
                                 project<Moment>());
  }
  return generations.find_many(where<&Generation::user_id> == *asked.user_id && of_status,
                               sort_by(desc<&Generation::created_at>, desc<&Generation::id>),
                               options, project<Moment>());
}

// Of one more than fits, those that fit. Pages are told apart by time, so none of a moment goes to
// the next page alone: where a moment is cut, all of it does. False where nothing was cut off.
bool cut_page(std::vector<Moment>& found, std::size_t limit) {
  if (found.size() <= limit) return false;
  const Time cut = found[limit].created_at;
  auto end = found.begin() + static_cast<std::ptrdiff_t>(limit);
  const auto kept = std::ranges::find(found.begin(), end, cut, &Moment::created_at);
  if (kept != found.begin()) end = kept;  // else a page is full of one millisecond
  found.erase(end, found.end());
  return true;
}

// First the times alone, which all have by which the list is sorted: where a page ends does not
// depend on what can be read of it.
Result<GenerationsOfAll> list_all_generations(DatabaseCall& call, const ListAllGenerations& asked) {
  auto generations = call.make<GenerationRepository>();
  std::vector<Moment> moments = moments_of(generations, asked);
  const bool goes_on = cut_page(moments, static_cast<std::size_t>(asked.limit.value()));
  if (moments.empty()) return GenerationsOfAll{};
  GenerationsOfAll page{
      .items = generations.find_newest(
          asked.status, asked.user_id, moments.front().created_at + std::chrono::milliseconds{1},
          {.limit = 2 * asked.limit.value(),  // some may have come to be of this status meanwhile
           .skip_undecodable =
               [&](const Error& error) {
                 spdlog::error("{}: left out of a list: {}", call.request_id, error.what());
               }},
          moments.back().created_at)};
  if (goes_on) page.older = moments.back().created_at;
  for (Generation& one : page.items) put_links(call.services, one);
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
