#include "gesso/repositories/indexes.hpp"

#include "gesso/models/generation.hpp"
#include "gesso/models/rate_limit_log.hpp"
#include "gesso/models/subscription.hpp"
#include "gesso/models/usage_log.hpp"
#include "gesso/models/user.hpp"
#include "gesso/query/index.hpp"

namespace gesso::repositories {
namespace {

template <class Model>
void add(std::vector<mongo::IndexSpec>& into) {
  for (const query::IndexSpec& declared : query::index_specs<Model>()) {
    mongo::IndexSpec spec{
        .collection = std::string(Model::kCollection), .name = declared.name, .key = declared.keys};
    switch (declared.kind) {
      case query::IndexKind::kPlain:
        break;
      case query::IndexKind::kUnique:
        spec.unique = true;
        break;
      case query::IndexKind::kUniqueWhenPresent:
        spec.unique_when_present = std::string(declared.leading_field());
        break;
      case query::IndexKind::kTtl:
        spec.expire_after_seconds = 0;  // the field says when
        break;
    }
    into.push_back(std::move(spec));
  }
}

}  // namespace

std::vector<mongo::IndexSpec> declared_indexes() {
  std::vector<mongo::IndexSpec> specs;
  add<models::User>(specs);
  add<models::Generation>(specs);
  add<models::Subscription>(specs);
  add<models::UsageLog>(specs);
  add<models::RateLimitLog>(specs);
  return specs;
}

}  // namespace gesso::repositories
