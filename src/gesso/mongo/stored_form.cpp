#include "gesso/mongo/stored_form.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

#include "gesso/bson/builder.hpp"

namespace gesso::mongo {
namespace {

constexpr std::string_view kTtl = "ttl";

bool is_unique_when_present(const bson::IndexSpec& index) {
  return index.unique && !index.partial_filter.empty();
}

bson::Value in(bson::View update, std::string_view operation, std::string_view field) {
  const bson::Value fields = update[operation];
  return fields.is_document() ? fields.as_document()[field] : bson::Value();
}

// What an update sets the field to, also where it inserts.
bson::Value value_set(bson::View update, std::string_view field) {
  const bson::Value set = in(update, "$set", field);
  return set ? set : in(update, "$setOnInsert", field);
}

// The update, and these among what it sets.
bson::Document with_set(bson::View update, bson::View added) {
  if (added.empty()) return bson::Document(update);
  bson::Builder builder;
  {
    const auto set = builder.document("$set");
    if (const bson::Value fields = update["$set"]) builder.append_all(fields.as_document());
    builder.append_all(added);
  }
  for (const bson::Element& operation : update) {
    if (operation.key != "$set") builder.append_element(operation);
  }
  return builder.finish();
}

}  // namespace

std::optional<std::string> surrogate_of(const bson::IndexSpec& index, const DialectTraits& traits) {
  if (traits.partial_indexes || !is_unique_when_present(index)) return std::nullopt;
  const std::string_view field = index.leading_field();
  if (field.find('.') != std::string_view::npos) return std::nullopt;
  return "unique_" + std::string(field);
}

std::int32_t ttl_seconds(Time now, Time expires_at) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(expires_at - now).count();
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(left, 1, kMost));
}

StoredForm::StoredForm(std::span<const bson::IndexSpec> declared) {
  for (const bson::IndexSpec& index : declared) {
    if (index.expire_after_seconds) ttl_field_ = index.leading_field();
    if (is_unique_when_present(index)) unique_.push_back(index);
  }
}

bool StoredForm::adds_nothing(const DialectTraits& traits) const {
  return (traits.ttl_on_any_date || ttl_field_.empty()) &&
         (traits.partial_indexes || unique_.empty());
}

bson::Document StoredForm::inserted(bson::View document, Time now,
                                    const DialectTraits& traits) const {
  if (adds_nothing(traits)) return bson::Document(document);
  bson::Builder builder;
  builder.append_all(document);
  if (!traits.ttl_on_any_date && !ttl_field_.empty()) {
    const bson::Value moment = document[ttl_field_];
    if (moment.is(bson::Type::kDate)) builder.append(kTtl, ttl_seconds(now, moment.as_date()));
  }
  for (const bson::IndexSpec& index : unique_) {
    const auto name = surrogate_of(index, traits);
    if (!name) continue;
    const bson::Value declared = document[index.leading_field()];
    builder.append(*name, declared ? declared : document["_id"]);
  }
  return builder.finish();
}

bson::Document StoredForm::needed(bson::View filter, bson::View update,
                                  const DialectTraits& traits) const {
  if (adds_nothing(traits)) return {};
  bson::Builder fields;
  bool any = false;
  if (!traits.ttl_on_any_date && !ttl_field_.empty() && !value_set(update, ttl_field_)) {
    fields.append(ttl_field_, 1);
    any = true;
  }
  for (const bson::IndexSpec& index : unique_) {
    if (!surrogate_of(index, traits) || !in(update, "$unset", index.leading_field())) continue;
    any = any || filter["_id"].is_document() || !filter["_id"];
  }
  if (any) fields.append("_id", 1);
  return fields.finish();
}

bson::Document StoredForm::updated(bson::View filter, bson::View update, bson::View stored,
                                   Time now, const DialectTraits& traits) const {
  if (adds_nothing(traits)) return bson::Document(update);
  bson::Builder added;
  if (!traits.ttl_on_any_date && !ttl_field_.empty()) {
    const bson::Value set = value_set(update, ttl_field_);
    const bson::Value moment = set ? set : stored[ttl_field_];
    if (moment.is(bson::Type::kDate)) added.append(kTtl, ttl_seconds(now, moment.as_date()));
  }
  for (const bson::IndexSpec& index : unique_) {
    const auto name = surrogate_of(index, traits);
    if (!name) continue;
    if (const bson::Value set = value_set(update, index.leading_field())) {
      added.append(*name, set);
    } else if (in(update, "$unset", index.leading_field())) {
      added.append(*name, stored["_id"] ? stored["_id"] : filter["_id"]);
    }
  }
  return with_set(update, added.finish());
}

}  // namespace gesso::mongo
