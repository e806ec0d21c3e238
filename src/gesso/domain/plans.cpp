#include "gesso/domain/plans.hpp"

#include <charconv>
#include <set>
#include <utility>

#include "gesso/base/error.hpp"

namespace gesso::domain {

using models::BillingInterval;
using models::ForeignId;
using models::SubscriptionPlan;
using models::SubscriptionTier;

namespace {

constexpr std::array kIntervals{BillingInterval::kMonthly, BillingInterval::kYearly};

std::array<Plan, 4> default_plans() {
  return {Plan{.plan = SubscriptionPlan::kFree, .credits_at_sign_up = 10},
          Plan{.plan = SubscriptionPlan::kBasic,
               .credits_per_month = 100,
               .monthly = {.cents = 900},
               .yearly = {.cents = 9000}},
          Plan{.plan = SubscriptionPlan::kPro,
               .credits_per_month = 500,
               .monthly = {.cents = 2900},
               .yearly = {.cents = 29'000}},
          Plan{.plan = SubscriptionPlan::kEnterprise,
               .credits_per_month = 2000,
               .monthly = {.cents = 9900},
               .yearly = {.cents = 99'000}}};
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Violation wrong(SubscriptionPlan plan, std::string field, std::string expected, std::string found) {
  return {.path = {std::string(to_string(plan)), std::move(field)},
          .type = "value_error",
          .message = "Value error, should be " + expected,
          .expected = std::move(expected),
          .found = std::move(found)};
}

}  // namespace

Plans::Plans() : plans_(default_plans()) {}

Plans::Plans(std::array<Plan, 4> plans, std::string currency)
    : plans_(std::move(plans)), currency_(std::move(currency)) {
  std::vector<Violation> violations;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    const Plan& plan = plans_[i];
    if (plan.plan != static_cast<SubscriptionPlan>(i)) {
      violations.push_back(wrong(static_cast<SubscriptionPlan>(i), "plan", "the plan of that place",
                                 std::string(to_string(plan.plan))));
    }
    for (const auto& [field, number] : {std::pair{"credits_per_month", plan.credits_per_month},
                                        std::pair{"monthly_cents", plan.monthly.cents},
                                        std::pair{"yearly_cents", plan.yearly.cents}}) {
      if (number < 0) {
        violations.push_back(wrong(plan.plan, field, "at least 0", std::to_string(number)));
      }
    }
    for (const BillingInterval interval : kIntervals) {
      const auto& price = plan.price(interval).stripe_price;
      if (price && !seen.insert(price->str()).second) {
        violations.push_back(wrong(plan.plan, std::string(to_string(interval)) + "_price",
                                   "a price that stands for nothing else", price->str()));
      }
    }
  }
  if (!violations.empty()) throw validation_error(std::move(violations));
}

std::optional<PricedPlan> Plans::find_price(std::string_view stripe_price) const {
  for (const Plan& plan : plans_) {
    for (const BillingInterval interval : kIntervals) {
      const auto& price = plan.price(interval).stripe_price;
      if (price && *price == stripe_price) return PricedPlan{.plan = &plan, .interval = interval};
    }
  }
  return std::nullopt;
}

std::optional<Plan> read_plan(SubscriptionPlan plan, std::string_view text) {
  Plan read = default_plans()[static_cast<std::size_t>(plan)];
  while (!trim(text).empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = trim(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = item.substr(0, equals);
    const std::string_view value = item.substr(equals + 1);
    const std::string_view digits = value.substr(0, value.find(':'));
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size() || number < 0) {
      return std::nullopt;
    }
    const bool has_price = digits.size() < value.size();
    if (name == "credits") {
      if (has_price) return std::nullopt;
      read.credits_per_month = number;
    } else if (name == "monthly" || name == "yearly") {
      PlanPrice& price = name == "yearly" ? read.yearly : read.monthly;
      price.cents = number;
      if (!has_price) continue;
      const std::string_view id = value.substr(digits.size() + 1);
      if (ForeignId::check(id)) return std::nullopt;
      price.stripe_price = ForeignId(id);
    } else {
      return std::nullopt;
    }
  }
  return read;
}

SubscriptionTier tier_of(SubscriptionPlan plan) {
  switch (plan) {
    case SubscriptionPlan::kFree:
      return SubscriptionTier::kFree;
    case SubscriptionPlan::kBasic:
      return SubscriptionTier::kBasic;
    case SubscriptionPlan::kPro:
      return SubscriptionTier::kPro;
    case SubscriptionPlan::kEnterprise:
      return SubscriptionTier::kEnterprise;
  }
  return SubscriptionTier::kFree;
}

}  // namespace gesso::domain
