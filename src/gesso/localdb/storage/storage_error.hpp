// What the store refuses, in its own terms: it knows neither commands nor their codes.
//
// A value. The engine translates it (engine/storage_errors.cpp).
#pragma once

#include <stdexcept>
#include <string>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::localdb {

enum class StorageFault {
  kDuplicateKey,  // details: keyPattern, keyValue
  kInvalidName,   // of a database or a collection
  kCollectionExists,
  kNoCollection,
  kDamagedCollection,  // its row of the catalog cannot be read
  kNoIndex,
  kIdIndex,  // `_id_` cannot be dropped
  kTooManyIndexes,
  kBuildAborted,  // an index that was being built was dropped
  kRecordGone,
  kNoRoom,  // the map's limit is reached: documents can be deleted, but none added
};

class StorageError : public std::runtime_error {
  StorageFault fault_;
  bson::Document details_;

 public:
  StorageError(StorageFault fault, const std::string& message, bson::Document details = {})
      : std::runtime_error(message), fault_(fault), details_(std::move(details)) {}

  [[nodiscard]] StorageFault fault() const noexcept { return fault_; }
  [[nodiscard]] bson::View details() const noexcept { return details_; }
};

}  // namespace gesso::localdb
