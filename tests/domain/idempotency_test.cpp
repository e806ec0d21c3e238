#include "gesso/domain/idempotency.hpp"

#include <gtest/gtest.h>

#include <set>

#include "gesso/base/id.hpp"

namespace gesso::domain {
namespace {

TEST(IdempotencyTest, AKeysIdIsAnIdOfOursAndAlwaysTheSame) {
  const auto id = keyed_id("user_ada", "key-1", 0);
  EXPECT_TRUE(is_id(id.str(), "gen_")) << id;
  EXPECT_EQ(keyed_id("user_ada", "key-1", 0), id);
  // Stored documents depend on it.
  EXPECT_EQ(id.str(), "gen_1NEGQMBT0W7B40HHJK84QNSTXD");
}

TEST(IdempotencyTest, UserKeyAndInterruptedChargesTellIdsApart) {
  std::set<models::GenerationId> ids;
  for (const char* user : {"user_a", "user_b", "user_a0"}) {
    for (const char* key : {"1", "01", "0", "1\0", "key"}) {
      for (const std::size_t voided : {0U, 1U, 10U}) ids.insert(keyed_id(user, key, voided));
    }
  }
  EXPECT_EQ(ids.size(), 3U * 4U * 3U);  // "1" and "1\0" are one text in C
}

TEST(IdempotencyTest, WhatTheClientDecidesTellsRequestsApart) {
  const models::GenerationCreate request{
      .user_id = "user_ada", .prompt = "A lake", .num_images = 2, .cost_credits = 2};
  models::GenerationCreate dearer = request;
  dearer.cost_credits = 3;
  EXPECT_EQ(hash_of(dearer), hash_of(request));
  models::GenerationCreate other = request;
  other.prompt = "A lake at dusk";
  EXPECT_NE(hash_of(other), hash_of(request));
  other = request;
  other.seed = 0;
  EXPECT_NE(hash_of(other), hash_of(request));
}

}  // namespace
}  // namespace gesso::domain
