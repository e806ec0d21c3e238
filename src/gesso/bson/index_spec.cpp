#include "gesso/bson/index_spec.hpp"

#include "gesso/bson/builder.hpp"
#include "gesso/bson/compare.hpp"
#include "gesso/bson/json.hpp"

namespace gesso::bson {
namespace {

std::string name_of(const IndexSpec& spec) {
  return spec.name.empty() ? default_index_name(spec.keys) : spec.name;
}

std::string shown(bool value) { return value ? "true" : "false"; }
std::string shown(std::optional<std::int64_t> value) {
  return value ? std::to_string(*value) : "none";
}
std::string shown(const Document& value) { return value.empty() ? "none" : to_json(value); }

}  // namespace

std::string default_index_name(View keys) {
  std::string name;
  for (const Element& key : keys) {
    if (!name.empty()) name += '_';
    name.append(key.key).append("_");
    if (const auto direction = key.value.integer()) {
      name += std::to_string(*direction);
    } else if (key.value.is_string()) {  // "text", "2dsphere"
      name += key.value.as_string();
    } else {
      name += to_json(key.value);
    }
  }
  return name;
}

Document to_bson(const IndexSpec& spec) {
  Builder builder;
  builder.append("key", spec.keys).append("name", name_of(spec));
  if (spec.unique) builder.append("unique", true);
  if (spec.sparse) builder.append("sparse", true);
  if (spec.expire_after_seconds) builder.append("expireAfterSeconds", *spec.expire_after_seconds);
  if (!spec.partial_filter.empty()) {
    builder.append("partialFilterExpression", spec.partial_filter);
  }
  return builder.finish();
}

IndexSpec read_index_spec(View description) {
  const auto document = [&](std::string_view field) {
    const Value value = description[field];
    return value.is_document() ? Document(value.as_document()) : Document();
  };
  const Value name = description["name"];
  return {.name = name.is_string() ? std::string(name.as_string()) : std::string(),
          .keys = document("key"),
          .unique = description["unique"].truthy(),
          .sparse = description["sparse"].truthy(),
          .expire_after_seconds = description["expireAfterSeconds"].integer(),
          .partial_filter = document("partialFilterExpression")};
}

bool have_same_keys(const IndexSpec& left, const IndexSpec& right) {
  return compare(left.keys.view(), right.keys.view()) == 0;
}

std::string differing_options(const IndexSpec& wanted, const IndexSpec& existing) {
  std::string text;
  const auto add = [&](std::string_view option, bool same, const auto& wants, const auto& is) {
    if (same) return;
    if (!text.empty()) text += "; ";
    text.append(option).append(": wanted ").append(shown(wants));
    text.append(", stands ").append(shown(is));
  };
  const auto compare_plain = [&](std::string_view option, const auto& wants, const auto& is) {
    add(option, wants == is, wants, is);
  };
  compare_plain("unique", wanted.unique, existing.unique);
  compare_plain("sparse", wanted.sparse, existing.sparse);
  compare_plain("expireAfterSeconds", wanted.expire_after_seconds, existing.expire_after_seconds);
  add("partialFilterExpression",
      bson::compare(wanted.partial_filter.view(), existing.partial_filter.view()) == 0,
      wanted.partial_filter, existing.partial_filter);
  return text;
}

std::string to_text(const IndexSpec& spec) {
  std::string text = name_of(spec) + " " + to_json(spec.keys);
  if (spec.unique) text += " unique";
  if (spec.sparse) text += " sparse";
  if (spec.expire_after_seconds) {
    text += " expires after " + std::to_string(*spec.expire_after_seconds) + " s";
  }
  if (!spec.partial_filter.empty()) text += " where " + to_json(spec.partial_filter);
  return text;
}

}  // namespace gesso::bson
