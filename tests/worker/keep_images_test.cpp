#include "gesso/worker/keep_images.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "gesso/images/local_blob_store.hpp"
#include "gesso/images/raster.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/client/scripted_client.hpp"

namespace gesso::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// 64 x 32 pixels.
std::string jpeg() {
  std::ifstream file(GESSO_SOURCE_DIR "/tests/images/half.jpg", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class KeepImagesTest : public ::testing::Test {
 protected:
  gesso::testing::TempDir folder_;
  client::ScriptedClient client_;
  std::vector<Secret> roots_ = [] {
    std::vector<Secret> roots;
    roots.emplace_back(std::string(32, 'k'));
    return roots;
  }();
  images::SignedLinks links_{roots_, std::chrono::hours{1}};
  images::LocalBlobStore store_{{.folder = folder_.path()}, links_, &client_};
  const models::GenerationId id_ = "gen_1";
  domain::ImageAddresses addresses_;

  KeptImages keep(const std::vector<images::Blob>& painted, int edge = 32) {
    KeptImages kept;
    keep_images(store_, id_, painted, edge, addresses_, kept, {});
    return kept;
  }
  std::string bytes(const models::Url& address) {
    return store_.get(store_.name_at(address.str()).value(), {}).value().bytes;
  }
};

TEST_F(KeepImagesTest, AJpegThatIsCopiedGetsASmallOne) {
  addresses_.result_urls = {"https://replicate.delivery/out.jpg"};
  client_.reply(200, jpeg(), {{"content-type", "image/jpeg"}});
  const KeptImages kept = keep({});
  ASSERT_EQ(addresses_.blob_urls.size(), 1U);
  EXPECT_THAT(addresses_.blob_urls[0].str(), EndsWith("generations/gen_1/0.jpg"));
  ASSERT_EQ(addresses_.thumbnail_urls.size(), 1U);
  EXPECT_THAT(addresses_.thumbnail_urls[0].str(), EndsWith("generations/gen_1/0.small.webp"));
  EXPECT_EQ(bytes(addresses_.blob_urls[0]), jpeg());
  const std::string small = bytes(addresses_.thumbnail_urls[0]);
  const auto size = images::size_of(small);
  ASSERT_TRUE(size);
  EXPECT_EQ(size->width, 32);
  EXPECT_EQ(size->height, 16);
  EXPECT_EQ(kept.images, 2U);
  EXPECT_EQ(kept.bytes, jpeg().size() + small.size());
}

TEST_F(KeepImagesTest, WhatIsNoImageIsNotKept) {
  addresses_.result_urls = {"https://replicate.delivery/a.png"};
  client_.reply(200, "<!doctype html><title>Sorry</title>");
  EXPECT_THAT([&] { keep({}); }, ThrowsMessage<Error>(HasSubstr("is no image")));
  EXPECT_FALSE(store_.get("generations/gen_1/0.png", {}));
  // The next attempt finds the place free.
  client_.reply(200, jpeg());
  EXPECT_EQ(keep({}, 64).images, 1U);
  EXPECT_THROW(keep({{.bytes = "{}", .type = "image/png"}}), Error);
}

TEST_F(KeepImagesTest, WhatIsSmallOrCannotBeReadIsItsOwnSmallOne) {
  addresses_.result_urls = {"https://replicate.delivery/a.jpg", "https://replicate.delivery/b.gif"};
  client_.reply(200, jpeg());
  client_.reply(200, "GIF89a and so on");
  EXPECT_EQ(keep({}, 64).images, 2U);
  EXPECT_EQ(addresses_.thumbnail_urls, addresses_.blob_urls);
}

// It copies, and gives nothing back.
class WriteOnlyStore final : public images::BlobStore {
 public:
  images::PutOutcome put(std::string_view, const images::Blob&, const client::Call&) override {
    return images::PutOutcome::kCreated;
  }
  images::PutOutcome copy(std::string_view, const std::string&, const client::Call&) override {
    return images::PutOutcome::kCreated;
  }
  std::optional<images::Blob> get(std::string_view, const client::Call&) override {
    throw Error(ErrorKind::kUnavailable, "the reply is too large");
  }
  void remove(std::string_view, const client::Call&) override {}
  std::vector<images::StoredBlob> list(std::string_view, std::string_view, std::size_t,
                                       const client::Call&) override {
    return {};
  }
  std::string address(std::string_view name) const override {
    return "https://images.invalid/" + std::string(name);
  }
  std::optional<std::string> name_at(std::string_view) const override { return {}; }
  std::string link(std::string_view name, Time) override { return address(name); }
};

TEST_F(KeepImagesTest, WhatCannotBeReadBackIsKeptAndItsOwnSmallOne) {
  WriteOnlyStore store;
  addresses_.result_urls = {"https://replicate.delivery/out.jpg"};
  KeptImages kept;
  keep_images(store, id_, {}, 32, addresses_, kept, {});
  EXPECT_EQ(kept.images, 1U);
  ASSERT_EQ(addresses_.blob_urls.size(), 1U);
  EXPECT_EQ(addresses_.thumbnail_urls, addresses_.blob_urls);
  // But where there is no time left, it is tried again.
  std::stop_source ending;
  ending.request_stop();
  EXPECT_THROW(keep_images(store, id_, {}, 32, addresses_, kept, {.stop = ending.get_token()}),
               Error);
}

TEST_F(KeepImagesTest, WhatIsThereIsNotStoredAgain) {
  const std::vector<images::Blob> painted{{.bytes = jpeg(), .type = "image/jpeg"}};
  EXPECT_EQ(keep(painted).images, 2U);
  const domain::ImageAddresses first = addresses_;
  const KeptImages again = keep(painted);
  EXPECT_EQ(again.images, 0U);
  EXPECT_EQ(again.bytes, 0U);
  EXPECT_EQ(addresses_.blob_urls, first.blob_urls);
  EXPECT_EQ(addresses_.thumbnail_urls, first.thumbnail_urls);
}

}  // namespace
}  // namespace gesso::worker
