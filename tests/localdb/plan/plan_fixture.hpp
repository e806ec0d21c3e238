// A store with what queries need around it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/plan/execution.hpp"
#include "gesso/localdb/plan/plan.hpp"
#include "tests/localdb/storage/store_fixture.hpp"

namespace gesso::localdb {

class PlanFixture : public StoreFixture {
 protected:
  static std::shared_ptr<const Matcher> matcher(bson::View filter) {
    return std::make_shared<const Matcher>(Matcher::compile(filter));
  }
  static std::shared_ptr<const Matcher> matcher(const std::string& filter) {
    return matcher(json(filter).view());
  }

  static std::vector<RecordId> rest_of(Execution& execution) {
    std::vector<RecordId> found;
    while (const auto record = execution.next()) found.push_back(record->id);
    return found;
  }
  static std::vector<RecordId> run(const Transaction& transaction, const PlanRequest& request) {
    Execution execution(make_plan(transaction, collection(transaction), request));
    execution.attach(transaction);
    return rest_of(execution);
  }
};

}  // namespace gesso::localdb
