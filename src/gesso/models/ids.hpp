// The ids of the five collections and of what a user's document holds several of, each a type of
// its own: none is taken for another.
#pragma once

#include "gesso/schema/id.hpp"

namespace gesso::models {

using UserId = schema::Id<"user_">;
using GenerationId = schema::Id<"gen_">;
using SubscriptionId = schema::Id<"sub_">;
using UsageLogId = schema::Id<"log_">;
using RateLimitLogId = schema::Id<"rate_">;
using SessionId = schema::Id<"ses_">;
using ApiKeyId = schema::Id<"key_">;

}  // namespace gesso::models
