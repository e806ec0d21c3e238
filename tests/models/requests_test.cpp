// What each request accepts and refuses, as a client sees it.
#include <gtest/gtest.h>

#include "gesso/models/generation.hpp"
#include "gesso/models/subscription.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/models/user.hpp"
#include "gesso/schema/json.hpp"

namespace gesso::models {
namespace {

// "path type" of each violation; empty where the text is accepted.
template <class T>
std::vector<std::string> refusals(std::string_view json) {
  std::vector<std::string> found;
  try {
    (void)schema::from_json<T>(json);
  } catch (const Error& error) {
    for (const Violation& violation : error.violations()) {
      found.push_back(to_string(violation.path) + " " + violation.type);
    }
  }
  return found;
}

using Refusals = std::vector<std::string>;

TEST(UserCreateTest, TakesTheSeedsExample) {
  const UserCreate user{.email = "user@example.com",
                        .password = schema::Password("securepassword"),
                        .full_name = "John Doe",
                        .auth_provider = AuthProvider::kEmail};
  EXPECT_TRUE(user.check().empty());
  const auto parsed = schema::from_json<UserCreate>(
      R"({"email":"User@Example.com","password":"securepassword","full_name":"John Doe"})");
  EXPECT_EQ(parsed.email, "user@example.com");
  EXPECT_EQ(parsed.password->reveal(), "securepassword");
  EXPECT_EQ(parsed.auth_provider, AuthProvider::kEmail);
}

TEST(UserCreateTest, NeedsAPasswordOrAnotherProvidersId) {
  EXPECT_EQ(refusals<UserCreate>(R"({"email":"a@b.co"})"), Refusals{"password missing"});
  EXPECT_EQ(refusals<UserCreate>(R"({"email":"a@b.co","password":null})"),
            Refusals{"password missing"});
  EXPECT_EQ(refusals<UserCreate>(R"({"email":"a@b.co","auth_provider":"github"})"),
            Refusals{"auth_provider_id missing"});
  EXPECT_EQ(refusals<UserCreate>(
                R"({"email":"a@b.co","auth_provider":"microsoft","auth_provider_id":"7"})"),
            Refusals{});
}

TEST(UserCreateTest, ReportsEverythingThatIsWrong) {
  EXPECT_EQ(
      refusals<UserCreate>(R"({"email":"nobody","password":"short","full_name":"",)"
                           R"("auth_provider":"myspace","is_admin":true})"),
      (Refusals{"email value_error", "password string_too_short", "full_name string_too_short",
                "auth_provider enum", "is_admin extra_forbidden"}));
}

TEST(UserUpdateTest, HoldsNothingThatAUserMustNotDecide) {
  for (const char* field : {"is_active", "is_verified", "stripe_customer_id", "credits_remaining",
                            "subscription_tier", "hashed_password", "auth_provider"}) {
    EXPECT_FALSE(std::ranges::any_of(schema::kFieldsOf<UserUpdate>, [&](const auto& known) {
      return known.name == field;
    })) << field;
  }
}

TEST(UserUpdateTest, TellsAbsentFromNull) {
  const auto nothing = schema::from_json<UserUpdate>("{}");
  EXPECT_EQ(nothing, UserUpdate{});
  const auto cleared = schema::from_json<UserUpdate>(R"({"full_name":null})");
  ASSERT_TRUE(cleared.full_name.has_value());
  EXPECT_EQ(*cleared.full_name, std::nullopt);
}

TEST(GenerationCreateTest, HasTheSeedsDefaults) {
  const auto request =
      schema::from_json<GenerationCreate>(R"({"user_id":"user_123","prompt":"A sunset"})");
  EXPECT_EQ(request, (GenerationCreate{.user_id = "user_123", .prompt = "A sunset"}));
  EXPECT_EQ(request.model_type, ModelType::kStableDiffusionXl);
  EXPECT_EQ(request.image_size, ImageSize::kSquare1024);
  EXPECT_EQ(request.num_images, 1);
  EXPECT_EQ(request.cost_credits, 1);
}

TEST(GenerationCreateTest, HoldsItsLimits) {
  const auto with = [](const std::string& members) {
    return refusals<GenerationCreate>(R"({"user_id":"user_1","prompt":"x",)" + members + "}");
  };
  EXPECT_EQ(with(R"("num_images":1)"), Refusals{});
  EXPECT_EQ(with(R"("num_images":4)"), Refusals{});
  EXPECT_EQ(with(R"("num_images":0)"), Refusals{"num_images greater_than_equal"});
  EXPECT_EQ(with(R"("num_images":5)"), Refusals{"num_images less_than_equal"});
  EXPECT_EQ(with(R"("guidance_scale":1)"), Refusals{});
  EXPECT_EQ(with(R"("guidance_scale":20.0)"), Refusals{});
  EXPECT_EQ(with(R"("guidance_scale":0.99)"), Refusals{"guidance_scale greater_than_equal"});
  EXPECT_EQ(with(R"("guidance_scale":20.01)"), Refusals{"guidance_scale less_than_equal"});
  EXPECT_EQ(with(R"("num_inference_steps":150)"), Refusals{});
  EXPECT_EQ(with(R"("num_inference_steps":151)"), Refusals{"num_inference_steps less_than_equal"});
  EXPECT_EQ(with(R"("num_inference_steps":0)"), Refusals{"num_inference_steps greater_than_equal"});
  EXPECT_EQ(with(R"("seed":-1)"), Refusals{"seed greater_than_equal"});
  EXPECT_EQ(with(R"("negative_prompt":"")"), Refusals{});
  EXPECT_EQ(with(R"("cost_credits":0)"), Refusals{"cost_credits extra_forbidden"});
}

TEST(GenerationCreateTest, CountsThePromptInCodePoints) {
  const auto prompt = [](std::size_t characters, std::string_view character) {
    std::string text = R"({"user_id":"user_1","prompt":")";
    for (std::size_t i = 0; i < characters; ++i) text += character;
    return refusals<GenerationCreate>(text + "\"}");
  };
  EXPECT_EQ(prompt(0, "x"), Refusals{"prompt string_too_short"});
  EXPECT_EQ(prompt(2000, "\xF0\x9F\x8E\xA8"), Refusals{});
  EXPECT_EQ(prompt(2001, "\xF0\x9F\x8E\xA8"), Refusals{"prompt string_too_long"});
}

TEST(GenerationCreateTest, KnowsTheModelsAndTheSizes) {
  for (const char* model : {"stable-diffusion-xl", "stable-diffusion-v2", "dalle-3"}) {
    for (const char* size : {"256x256", "512x512", "1024x1024", "1024x1792", "1792x1024"}) {
      const auto request = schema::from_json<GenerationCreate>(
          R"({"user_id":"user_1","prompt":"x","model_type":")" + std::string(model) +
          R"(","image_size":")" + size + "\"}");
      EXPECT_EQ(to_string(request.model_type), model);
      EXPECT_EQ(to_string(request.image_size), size);
    }
  }
  EXPECT_EQ(refusals<GenerationCreate>(
                R"({"user_id":"user_1","prompt":"x","model_type":"dalle-2","image_size":"1x1"})"),
            (Refusals{"model_type enum", "image_size enum"}));
}

TEST(SubscriptionCreateTest, TakesTheSeedsExample) {
  const auto request = schema::from_json<SubscriptionCreate>(
      R"({"user_id":"user_1","plan":"pro","stripe_subscription_id":"sub_xxx",)"
      R"("stripe_customer_id":"cus_xxx","stripe_price_id":"price_xxx","billing_interval":"monthly",)"
      R"("credits_per_month":500,"current_period_end":"2026-03-01T00:00:00Z"})");
  EXPECT_EQ(request.plan, SubscriptionPlan::kPro);
  EXPECT_EQ(request.stripe_price_id, "price_xxx");
  EXPECT_EQ(request.credits_per_month, 500);
}

TEST(SubscriptionCreateTest, RefusesNegativeCreditsAndAPeriodThatEndsBeforeItStarts) {
  EXPECT_EQ(
      refusals<SubscriptionCreate>(R"({"user_id":"user_1","plan":"gold","credits_per_month":-1,)"
                                   R"("current_period_end":"2026-03-01"})"),
      (Refusals{"plan enum", "credits_per_month greater_than_equal",
                "current_period_end datetime_parsing"}));
  EXPECT_EQ(
      refusals<SubscriptionCreate>(R"({"user_id":"user_1","plan":"free","credits_per_month":0,)"
                                   R"("current_period_start":"2026-03-01T00:00:00Z",)"
                                   R"("current_period_end":"2026-03-01T00:00:00Z"})"),
      Refusals{"current_period_end value_error"});
}

TEST(SubscriptionUpdateTest, RefusesAStatusThatThereIsNot) {
  EXPECT_EQ(refusals<SubscriptionUpdate>(R"({"status":"paused","billing_interval":"weekly"})"),
            (Refusals{"status enum", "billing_interval enum"}));
  EXPECT_EQ(schema::from_json<SubscriptionUpdate>(R"({"status":"past_due"})").status,
            SubscriptionStatus::kPastDue);
}

TEST(UsageLogCreateTest, TakesMetadataOfAnyShape) {
  const auto request = schema::from_json<UsageLogCreate>(
      R"({"user_id":"user_1","action_type":"file_upload","metadata":{"a":[1,{"b":"c"}]}})");
  EXPECT_EQ(request.metadata.view().at_path("a.1.b").as_string(), "c");
  EXPECT_EQ(refusals<UsageLogCreate>(
                R"({"user_id":"user_1","action_type":"login","credits_used":1.5,"metadata":5})"),
            (Refusals{"action_type enum", "credits_used int_from_float", "metadata dict_type"}));
}

TEST(UsageLogCreateTest, TakesCreditsThatWereGivenBack) {
  const auto request = schema::from_json<UsageLogCreate>(
      R"({"user_id":"user_1","action_type":"refund","credits_used":-3})");
  EXPECT_EQ(request.credits_used, -3);
}

}  // namespace
}  // namespace gesso::models
