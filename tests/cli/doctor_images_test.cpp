#include "gesso/cli/doctor_images.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gesso::cli {
namespace {

using ::testing::HasSubstr;

std::string advice(ErrorKind kind, const std::string& what) {
  return container_advice(Error(kind, what),
                          {.account = "paint", .container = "images", .object = "oid-1"});
}

TEST(DoctorImagesTest, AMissingRoleIsNamedWithItsScope) {
  const std::string write =
      advice(ErrorKind::kAuth,
             "the storage account paint answers 403 AuthorizationPermissionMismatch to writing an "
             "image: check");
  EXPECT_THAT(write, HasSubstr("'Storage Blob Data Contributor'"));
  EXPECT_THAT(write, HasSubstr("--assignee-object-id oid-1"));
  EXPECT_THAT(write, HasSubstr("--name paint --query id --output tsv)/blobServices/default/"
                               "containers/images\""));
  // Of a key for links the account alone can be the scope.
  const std::string link =
      advice(ErrorKind::kAuth,
             "the storage account paint answers 403 AuthorizationPermissionMismatch to giving a "
             "key for links: check");
  EXPECT_THAT(link, HasSubstr("'Storage Blob Delegator'"));
  EXPECT_THAT(link, HasSubstr("--query id --output tsv)\""));
}

TEST(DoctorImagesTest, WhatElseCanBeWrongHasAnAdviceOfItsOwn) {
  const std::string answers = "the storage account paint answers ";
  EXPECT_THAT(advice(ErrorKind::kAuth, answers + "403 AuthorizationFailure to writing an image"),
              HasSubstr("network-rule add --account-name paint"));
  EXPECT_THAT(advice(ErrorKind::kConflict, answers + "404 ContainerNotFound to writing an image"),
              HasSubstr("az storage container create"));
  EXPECT_THAT(advice(ErrorKind::kUnavailable, "https://paint: its name was not found"),
              HasSubstr("GESSO_IMAGE_CONTAINER_URL"));
  EXPECT_THAT(advice(ErrorKind::kUnavailable, answers + "503 ServerBusy to writing an image"),
              HasSubstr("health"));
}

TEST(DoctorImagesTest, AFolderThatIsNotThereYetIsJudgedByTheOneAboveIt) {
  const Check check = judge_image_folder("/tmp/gesso-none-such/data");
  EXPECT_EQ(check.health, Health::kOk) << check.found;
  EXPECT_THAT(check.found, HasSubstr("/tmp/gesso-none-such/data/images"));
  const Check never = judge_image_folder("/proc/self/data");
  EXPECT_EQ(never.health, Health::kFail) << never.found;
  EXPECT_THAT(never.found, HasSubstr("/proc/self"));
}

}  // namespace
}  // namespace gesso::cli
