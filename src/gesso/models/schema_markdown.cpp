#include "gesso/models/schema_markdown.hpp"

#include <string_view>

#include "gesso/models/generation.hpp"
#include "gesso/models/rate_limit_log.hpp"
#include "gesso/models/subscription.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/models/user.hpp"
#include "gesso/models/webhook_event.hpp"
#include "gesso/query/index.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::models {
namespace {

// A value in a table's cell: `"free"`, `10`, `{}`.
template <class T>
std::string default_text(const T& value) {
  std::string json;
  schema::write_json(json, value);
  return "`" + json + "`";
}

template <schema::Described T>
void write_fields(std::string& out) {
  out += "| field | type | value | default | about |\n|---|---|---|---|---|\n";
  const T defaults = schema::Access::make<T>();
  std::size_t i = 0;
  boost::mp11::mp_for_each<schema::Members<T>>([&](auto member) {
    using F = schema::detail::TypeOf<decltype(member)>;
    const schema::Field& field = schema::kFieldsOf<T>[i];
    out += "| `";
    out += schema::kBsonNames<T>[i++];
    out += "` | " + schema::Codec<F>::bson_type() + " | " + schema::Codec<F>::expected() + " | ";
    if (field.has_default()) {
      if constexpr (schema::InJson<F>) out += default_text(defaults.*member.pointer);
    } else {
      out += schema::detail::is_optional<F> ? "absent" : "required";
    }
    out += " | ";
    out += field.about;
    if (field.is_internal()) out += " *Not in JSON.*";
    out += " |\n";
  });
  out += '\n';
}

std::string keys_text(const bson::IndexSpec& index) {
  std::string text;
  for (const bson::Element& key : index.keys.view()) {
    if (!text.empty()) text += ", ";
    text += "`" + std::string(key.key) + "`";
    if (key.value.integer() == -1) text += " descending";
  }
  return text;
}

std::string_view rule_text(const bson::IndexSpec& index) {
  if (index.expire_after_seconds) return "TTL: a document is deleted once this moment has passed";
  if (!index.unique) return "";
  return index.partial_filter.empty() ? "unique" : "unique among the documents that have the field";
}

template <class T>
void write_collection(std::string& out) {
  out += "## " + std::string(T::kCollection) + "\n\n" + std::string(T::kAbout) + "\n\n";
  write_fields<T>(out);
  if constexpr (requires { T::kShardKey; }) {
    out += "Shard key on Azure Cosmos DB (RU): `" + std::string(schema::field_name<T::kShardKey>) +
           "`.\n\n";
  }
  out += "| index | keys | rule |\n|---|---|---|\n| `_id_` | `_id` | unique |\n";
  for (const bson::IndexSpec& index : query::index_specs<T>()) {
    out += "| `" + index.name + "` | " + keys_text(index) + " | ";
    out += rule_text(index);
    out += " |\n";
  }
  out += '\n';
}

template <class T>
void write_request(std::string& out) {
  out += "### " + std::string(T::kName) + "\n\n" + std::string(T::kAbout) + "\n\n";
  write_fields<T>(out);
}

}  // namespace

std::string schema_markdown() {
  std::string out =
      "# Database schema\n"
      "\n"
      "Printed by `gesso schema --markdown` from the declarations in `src/gesso/models/`; a test\n"
      "keeps this file equal to that. Dates are UTC with milliseconds. `_id` is shown as `id` in\n"
      "JSON, dates as ISO 8601 strings, and a field that is absent as null. A stored field that\n"
      "is not listed here is left alone. An index that a longer one of the same rule begins with\n"
      "is not made, since that one serves it too. What Azure Cosmos DB (RU) gets instead, and "
      "which\n"
      "fields its documents have besides, is told in [DIALECTS.md](DIALECTS.md); what each method "
      "of\n"
      "the repositories costs there, in [REQUEST_CHARGES.md](REQUEST_CHARGES.md).\n"
      "\n";
  write_collection<User>(out);
  out += "Nested in `pending_charges` here and in subscriptions:\n\n";
  write_fields<PendingCharge>(out);
  out += "Nested in `pending_grants`; `grant`, here and in usage logs, holds the last three:\n\n";
  write_fields<PendingGrant>(out);
  write_fields<CreditGrant>(out);
  write_collection<Generation>(out);
  write_collection<Subscription>(out);
  out += "Nested in `stripe_records`:\n\n";
  write_fields<StripeRecord>(out);
  write_collection<UsageLog>(out);
  write_collection<RateLimitLog>(out);
  write_collection<WebhookEvent>(out);
  out += "Nested in `stripe`, with what its `subscription` and its `invoice` hold:\n\n";
  write_fields<StripeEvent>(out);
  write_fields<StripeSubscriptionFacts>(out);
  write_fields<StripeInvoiceFacts>(out);
  out +=
      "## Requests\n"
      "\n"
      "What a client sends, held to the same rules. A field that is not listed is refused.\n"
      "\n";
  write_request<UserCreate>(out);
  write_request<UserUpdate>(out);
  write_request<GenerationCreate>(out);
  write_request<SubscriptionCreate>(out);
  write_request<SubscriptionUpdate>(out);
  write_request<UsageLogCreate>(out);
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace gesso::models
