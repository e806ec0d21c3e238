#include "gesso/localdb/engine/storage_errors.hpp"

namespace gesso::localdb {
namespace {

ErrorCode code_of(StorageFault fault) {
  switch (fault) {
    case StorageFault::kDuplicateKey:
      return ErrorCode::kDuplicateKey;
    case StorageFault::kInvalidName:
      return ErrorCode::kInvalidNamespace;
    case StorageFault::kCollectionExists:
      return ErrorCode::kNamespaceExists;
    case StorageFault::kNoCollection:
      return ErrorCode::kNamespaceNotFound;
    case StorageFault::kDamagedCollection:
      return ErrorCode::kInvalidCatalogEntry;
    case StorageFault::kNoIndex:
      return ErrorCode::kIndexNotFound;
    case StorageFault::kIdIndex:
      return ErrorCode::kInvalidOptions;
    case StorageFault::kTooManyIndexes:
      return ErrorCode::kCannotCreateIndex;
    case StorageFault::kBuildAborted:
      return ErrorCode::kIndexBuildAborted;
    case StorageFault::kRecordGone:
      return ErrorCode::kWriteConflict;
    case StorageFault::kNoRoom:
      return ErrorCode::kOutOfDiskSpace;
  }
  return ErrorCode::kInternalError;
}

}  // namespace

CommandError as_command_error(const StorageError& error) {
  return {static_cast<int>(code_of(error.fault())), error.what(), bson::Document(error.details())};
}

}  // namespace gesso::localdb
