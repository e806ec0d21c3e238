#include "gesso/repositories/repository.hpp"

#include "gesso/bson/compare.hpp"

namespace gesso::repositories::detail {

namespace {

bool holds_all(bson::View document, const bson::IndexSpec& index) {
  for (const bson::Element& key : index.keys.view()) {
    if (!document.at_path(key.key)) return false;
  }
  return true;
}

}  // namespace

Error name_taken_field(mongo::Session& session, std::string_view collection, bson::View document,
                       std::span<const bson::IndexSpec> indexes, const Error& error) {
  std::string field = error.field();
  const bson::Value id = document["_id"];
  if (field.empty()) {
    mongo::FindOptions options;
    options.projection = bson::make_document("_id", 1);
    for (const bson::IndexSpec& index : indexes) {
      if (!index.unique || !holds_all(document, index)) continue;
      bson::Builder same;
      for (const bson::Element& key : index.keys.view()) {
        same.append(key.key, document.at_path(key.key));
      }
      const auto other = session.find_one(collection, same.finish(), options);
      if (other && !bson::equal((*other)["_id"], id)) {
        field = index.leading_field();
        break;
      }
    }
    // All other values are free, or were just given up: what is left is the id.
    if (field.empty()) field = "_id";
  }
  if (field == "_id") field = "id";
  return Error(ErrorKind::kDuplicate, field + " is already taken",
               {.retryable = false,
                .server_code = error.server_code(),
                .ns = error.ns(),
                .operation = error.operation(),
                .field = field,
                .violations = {}});
}

}  // namespace gesso::repositories::detail
