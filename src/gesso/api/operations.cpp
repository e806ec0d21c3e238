#include "gesso/api/operations.hpp"

namespace gesso::api {

const std::vector<Operation>& operations() {
  static const std::vector<Operation> kAll = [] {
    std::vector<Operation> all;
    for (const Operations resource : {account_operations(),        browser_session_operations(),
                                      oauth_operations(),          identity_operations(),
                                      user_operations(),           session_operations(),
                                      api_key_operations(),        generation_operations(),
                                      image_operations(),          worker_operations(),
                                      subscription_operations(),   webhook_operations(),
                                      usage_operations(),          admin_user_operations(),
                                      admin_database_operations(), admin_generation_operations(),
                                      admin_metric_operations(),   operational_operations(),
                                      documentation_operations(),  console_operations()}) {
      all.insert(all.end(), resource.begin(), resource.end());
    }
    return all;
  }();
  return kAll;
}

}  // namespace gesso::api
