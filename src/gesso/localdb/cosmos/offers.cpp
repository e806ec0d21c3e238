#include "gesso/localdb/cosmos/offers.hpp"

#include <algorithm>
#include <string>

#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr std::int64_t kStep = 100;
constexpr std::int64_t kMostUnsharded = 10'000;
// What a collection or a database gets without asking Azure for more.
constexpr std::int64_t kMost = 1'000'000;
constexpr std::size_t kSharedAtNoCost = 25;
constexpr std::uint64_t kGigabyte = std::uint64_t{1} << 30;

[[noreturn]] void bad(const std::string& text) { throw CommandError(ErrorCode::kBadValue, text); }

}  // namespace

std::int64_t least_throughput(bool autoscale, const OfferRules& rules) {
  const auto gigabytes = static_cast<std::int64_t>((rules.data_bytes + kGigabyte - 1) / kGigabyte);
  const auto more = static_cast<std::int64_t>(
      rules.sharing > kSharedAtNoCost ? rules.sharing - kSharedAtNoCost : 0);
  return autoscale
             ? std::max({std::int64_t{1000}, gigabytes * 10, rules.highest / 10}) + 1000 * more
             : std::max({std::int64_t{400}, gigabytes, rules.highest / 100}) + 100 * more;
}

std::optional<Offer> offer_of(const Arguments& arguments, const OfferRules& rules) {
  const bool manual = arguments.has("offerThroughput");
  const bool autoscale = arguments.has("autoScaleSettings");
  if (manual && autoscale) bad("offerThroughput and autoScaleSettings exclude each other");
  if (!manual && !autoscale) return std::nullopt;
  const bson::Value value = manual ? arguments["offerThroughput"]
                                   : arguments.document("autoScaleSettings")["maxThroughput"];
  const std::string name = manual ? "offerThroughput" : "autoScaleSettings.maxThroughput";
  const std::optional<std::int64_t> ru = value.integer();
  if (!ru) bad(name + " must be a number");
  const std::int64_t least = least_throughput(autoscale, rules);
  if (*ru < least || *ru % kStep != 0) {
    bad(name + " must be a multiple of " + std::to_string(kStep) + " and at least " +
        std::to_string(least) + ", but is " + std::to_string(*ru));
  }
  if (*ru > kMost) {
    bad(name + " must be at most " + std::to_string(kMost) + ", but is " + std::to_string(*ru));
  }
  if (!rules.is_sharded && *ru > kMostUnsharded) {
    bad(name + " above " + std::to_string(kMostUnsharded) + " needs a shardKey");
  }
  return Offer{.ru = *ru, .autoscale = autoscale};
}

void append_offer(bson::Builder& reply, const Offer& offer) {
  const std::int64_t provisioned = offer.autoscale ? offer.ru / 10 : offer.ru;
  reply.append("provisionedThroughput", static_cast<std::int32_t>(provisioned));
  if (!offer.autoscale) return;
  reply.append("autoScaleSettings",
               bson::make_document("maxThroughput", static_cast<std::int32_t>(offer.ru)));
}

}  // namespace gesso::localdb::cosmos
