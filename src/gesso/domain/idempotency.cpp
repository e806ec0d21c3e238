#include "gesso/domain/idempotency.hpp"

#include <string>

#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/domain/derived_id.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::domain {

models::GenerationId keyed_id(const models::UserId& user_id, const IdempotencyKey& key,
                              std::size_t voided) {
  return derived_id<models::GenerationId>(
      {"generation", user_id.str(), std::to_string(voided), key.str()});
}

models::UsageLogId keyed_grant_id(const models::UserId& administrator, const IdempotencyKey& key) {
  return derived_id<models::UsageLogId>({"grant", administrator.str(), key.str()});
}

models::RequestHash hash_of(const models::GenerationCreate& request) {
  models::GenerationCreate decided_by_client = request;
  decided_by_client.cost_credits = 0;
  const bson::Document bytes = schema::to_bson(decided_by_client);
  return hex(sha256(as_text(bytes.view().bytes())));
}

}  // namespace gesso::domain
