#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

// Wants <cstdio> before it.
#include <jpeglib.h>

#include "gesso/base/error.hpp"
#include "gesso/images/local_blob_store.hpp"
#include "gesso/images/raster.hpp"
#include "gesso/images/signed_links.hpp"
#include "gesso/testing/temp_dir.hpp"

namespace gesso::images {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Time kNow{std::chrono::milliseconds(1'767'225'600'000)};

Raster chequered(int width, int height) {
  Raster raster(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      raster.pixel(x, y)[0] = static_cast<std::uint8_t>((x + y) % 2 * 255);
      raster.pixel(x, y)[2] = static_cast<std::uint8_t>(x * 255 / width);
    }
  }
  return raster;
}

TEST(Raster, APngIsReadBackPixelByPixel) {
  const Raster raster = chequered(37, 21);
  const std::string png = encode_png(raster, {{"Software", "a test"}});
  EXPECT_EQ(format_of(png), Format::kPng);
  EXPECT_THAT(png, HasSubstr("a test"));
  const auto read = decode(png);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->width, 37);
  EXPECT_EQ(read->height, 21);
  EXPECT_EQ(read->rgb, raster.rgb);
  EXPECT_EQ(png, encode_png(raster, {{"Software", "a test"}}));
}

TEST(Raster, AWebpIsReadBackInItsSize) {
  const std::string webp = encode_webp(chequered(64, 32));
  EXPECT_EQ(format_of(webp), Format::kWebp);
  const auto read = decode(webp);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->width, 64);
  EXPECT_EQ(read->height, 32);
}

// A progressive JPEG of `scans` scans more than it needs, all of which say the same.
std::string jpeg_with_scans(int scans) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = jpeg.image_height = 16;
  jpeg.input_components = 1;
  jpeg.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults(&jpeg);
  static const jpeg_scan_info kScript[] = {{1, {0}, 0, 0, 0, 0}, {1, {0}, 1, 63, 0, 0}};
  jpeg.scan_info = kScript;
  jpeg.num_scans = 2;
  jpeg_start_compress(&jpeg, TRUE);
  for (unsigned char y = 0; y < 16; ++y) {
    std::array<unsigned char, 16> pixels{};
    for (std::size_t x = 0; x < pixels.size(); ++x) {
      pixels.at(x) = static_cast<unsigned char>(16 * x + y);
    }
    JSAMPROW row = pixels.data();
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  std::string whole(reinterpret_cast<const char*>(bytes), size);
  jpeg_destroy_compress(&jpeg);
  std::free(bytes);
  const std::size_t last = whole.rfind("\xFF\xDA");
  const std::string scan = whole.substr(last, whole.size() - 2 - last);
  std::string more;
  for (int i = 0; i < scans; ++i) more += scan;
  return whole.insert(whole.size() - 2, more);
}

TEST(Raster, AJpegOfMoreScansThanAPictureNeedsIsNone) {
  EXPECT_TRUE(decode(jpeg_with_scans(0)));
  EXPECT_TRUE(decode(jpeg_with_scans(50)));
  EXPECT_FALSE(decode(jpeg_with_scans(200)));
}

TEST(Raster, WhatIsLargerThanAPictureIsNone) {
  EXPECT_TRUE(size_of(encode_png(Raster(8192, 16))));
  EXPECT_FALSE(size_of(encode_png(Raster(8193, 16))));
  const std::string large = encode_png(Raster(8192, 8000));  // 65 million pixels
  EXPECT_FALSE(size_of(large));
  EXPECT_FALSE(decode(large));
}

// 64 x 32: red on the left, blue on the right.
std::string half_jpeg() {
  std::ifstream file(GESSO_SOURCE_DIR "/tests/images/half.jpg", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Raster, AJpegIsRead) {
  const std::string jpeg = half_jpeg();
  EXPECT_EQ(format_of(jpeg), Format::kJpeg);
  const auto size = size_of(jpeg);
  ASSERT_TRUE(size);
  EXPECT_EQ(size->width, 64);
  EXPECT_EQ(size->height, 32);
  const auto read = decode(jpeg);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->width, 64);
  EXPECT_EQ(read->height, 32);
  EXPECT_NEAR(read->pixel(4, 4)[0], 200, 6);
  EXPECT_NEAR(read->pixel(4, 4)[2], 30, 6);
  EXPECT_NEAR(read->pixel(60, 28)[0], 20, 6);
  EXPECT_NEAR(read->pixel(60, 28)[2], 180, 6);
}

TEST(Raster, ADamagedJpegIsNoPictureAndDoesNoHarm) {
  const std::string jpeg = half_jpeg();
  for (std::size_t size = 0; size + 2 < jpeg.size(); ++size) {
    EXPECT_FALSE(decode(jpeg.substr(0, size))) << size;
  }
  for (std::size_t at = 2; at < jpeg.size(); ++at) {
    std::string damaged = jpeg;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    (void)decode(damaged);  // whatever it is now, it is read within its bounds
  }
  EXPECT_FALSE(size_of("\xFF\xD8\xFF\xE0"));
}

TEST(Raster, ThePicturesHeadTellsItsSize) {
  for (const std::string& bytes : {encode_png(chequered(37, 21)), encode_webp(chequered(37, 21))}) {
    const auto size = size_of(bytes);
    ASSERT_TRUE(size);
    EXPECT_EQ(size->width, 37);
    EXPECT_EQ(size->height, 21);
  }
  EXPECT_FALSE(size_of("GIF89a"));
}

TEST(Raster, WhatIsNoPictureIsNoneAndDoesNoHarm) {
  const std::string png = encode_png(chequered(16, 16));
  EXPECT_FALSE(decode(""));
  EXPECT_FALSE(decode("\x89PNG\r\n\x1A\n"));
  EXPECT_FALSE(decode(png.substr(0, png.size() / 2)));
  EXPECT_FALSE(decode("RIFF\0\0\0\0WEBPVP8 "));
  EXPECT_EQ(format_of("\xFF\xD8\xFF\xE0"), Format::kJpeg);
}

TEST(Raster, ASmallerOneIsTheMeanOfWhatItStandsFor) {
  const Raster small = shrink(chequered(200, 100), 50);
  EXPECT_EQ(small.width, 50);
  EXPECT_EQ(small.height, 25);
  EXPECT_EQ(small.pixel(3, 3)[0], 128);  // of as many black ones as white ones
  const Raster as_it_was = chequered(40, 30);
  EXPECT_EQ(shrink(as_it_was, 50).rgb, as_it_was.rgb);
}

TEST(SignedLinks, ALinkIsGoodUntilItExpires) {
  std::vector<Secret> roots;
  roots.emplace_back(std::string_view("root"));
  const SignedLinks links(roots, 1h);
  const std::string link = links.sign("/images/a.png", kNow);
  const std::size_t expires = link.find("expires=") + 8;
  const std::size_t between = link.find("&signature=");
  const std::string until = link.substr(expires, between - expires);
  const std::string signature = link.substr(between + 11);
  EXPECT_TRUE(links.is_good("/images/a.png", until, signature, kNow));
  EXPECT_TRUE(links.is_good("/images/a.png", until, signature, kNow + 59min));
  EXPECT_FALSE(links.is_good("/images/a.png", until, signature, kNow + 80min));
  EXPECT_FALSE(links.is_good("/images/b.png", until, signature, kNow));
  EXPECT_FALSE(links.is_good("/images/a.png", until + "0", signature, kNow));
  EXPECT_FALSE(links.is_good("/images/a.png", until, signature.substr(1), kNow));
  EXPECT_FALSE(links.is_good("/images/a.png", until, "", kNow));
  EXPECT_FALSE(links.is_good("/images/a.png", "", signature, kNow));
}

TEST(SignedLinks, LinksOfTheKeyBeforeStayGood) {
  std::vector<Secret> old_roots;
  old_roots.emplace_back(std::string_view("old"));
  std::vector<Secret> roots;
  roots.emplace_back(std::string_view("new"));
  roots.emplace_back(std::string_view("old"));
  const std::string link = SignedLinks(old_roots, 1h).sign("/images/a.png", kNow);
  const std::size_t expires = link.find("expires=") + 8;
  const std::size_t between = link.find("&signature=");
  EXPECT_TRUE(SignedLinks(roots, 1h).is_good(
      "/images/a.png", link.substr(expires, between - expires), link.substr(between + 11), kNow));
  EXPECT_NE(SignedLinks(roots, 1h).sign("/images/a.png", kNow), link);
}

TEST(BlobName, NamesLeadNowhereElse) {
  EXPECT_TRUE(is_blob_name("generations/gen_01J/0.png"));
  for (const char* name :
       {"", "/a", "a/", "a//b", "../a", "a/../b", "a/.b", ".a", "a b", "a\\b", "a?b", "a%2Fb"}) {
    EXPECT_FALSE(is_blob_name(name)) << name;
  }
  EXPECT_FALSE(is_blob_name(std::string(513, 'a')));
}

class LocalBlobStoreTest : public ::testing::Test {
 protected:
  gesso::testing::TempDir folder_;
  std::vector<Secret> roots_;
  SignedLinks links_{[this]() -> const std::vector<Secret>& {
                       roots_.emplace_back(std::string_view("root"));
                       return roots_;
                     }(),
                     1h};
  LocalBlobStore store_{
      {.folder = folder_.path() / "images", .origin = [] { return std::string("http://here"); }},
      links_};

  PutOutcome put(const char* name, const char* bytes) {
    return store_.put(name, {.bytes = bytes, .type = "image/png"}, {});
  }
  std::vector<std::string> names(std::string_view prefix = "", std::string_view after = "",
                                 std::size_t limit = 100) {
    std::vector<std::string> found;
    for (const auto& blob : store_.list(prefix, after, limit, {})) found.push_back(blob.name);
    return found;
  }
};

TEST_F(LocalBlobStoreTest, ANameIsWrittenOnce) {
  EXPECT_EQ(put("generations/a/0.png", "first"), PutOutcome::kCreated);
  EXPECT_EQ(put("generations/a/0.png", "second"), PutOutcome::kThere);
  EXPECT_EQ(store_.get("generations/a/0.png", {})->bytes, "first");
  EXPECT_THAT(names(), ElementsAre("generations/a/0.png"));  // and nothing unfinished
}

TEST_F(LocalBlobStoreTest, OfManyThatWriteTheSameNameOneDoes) {
  std::atomic<int> created = 0;
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i) {
      writers.emplace_back([&] {
        if (put("generations/a/0.png", "bytes") == PutOutcome::kCreated) ++created;
      });
    }
  }
  EXPECT_EQ(created, 1);
  EXPECT_THAT(names(), ElementsAre("generations/a/0.png"));
}

TEST_F(LocalBlobStoreTest, WhatIsRemovedIsGoneWithItsFolder) {
  (void)put("generations/a/0.png", "a");
  store_.remove("generations/a/0.png", {});
  store_.remove("generations/a/0.png", {});
  EXPECT_FALSE(store_.get("generations/a/0.png", {}));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "images/generations/a"));
  EXPECT_EQ(put("generations/a/0.png", "b"), PutOutcome::kCreated);
}

TEST_F(LocalBlobStoreTest, WhatIsThereIsListedByName) {
  for (const char* name :
       {"generations/b/0.png", "generations/a/1.png", "generations/a/0.png", "others/c.png"}) {
    (void)put(name, "bytes");
  }
  EXPECT_THAT(names("generations/"),
              ElementsAre("generations/a/0.png", "generations/a/1.png", "generations/b/0.png"));
  EXPECT_THAT(names("generations/a/"), ElementsAre("generations/a/0.png", "generations/a/1.png"));
  EXPECT_THAT(names("generations/", "generations/a/0.png"),
              ElementsAre("generations/a/1.png", "generations/b/0.png"));
  EXPECT_THAT(names("generations/", "", 2),
              ElementsAre("generations/a/0.png", "generations/a/1.png"));
  EXPECT_EQ(store_.list("others/", "", 9, {})[0].size, 5U);
}

TEST_F(LocalBlobStoreTest, WhatACrashLeftIsListedAndCanBeRemoved) {
  (void)put("generations/a/0.png", "bytes");
  std::ofstream(folder_.path() / "images/generations/a/.unfinished-1-1-1.png") << "half";
  EXPECT_THAT(names(), ElementsAre("generations/a/.unfinished-1-1-1.png", "generations/a/0.png"));
  store_.remove("generations/a/.unfinished-1-1-1.png", {});
  EXPECT_THAT(names(), ElementsAre("generations/a/0.png"));
  EXPECT_THROW(store_.remove("../.unfinished-1-1-1.png", {}), Error);
}

TEST_F(LocalBlobStoreTest, AnAddressIsOfThisStoreOrOfNone) {
  const std::string address = store_.address("generations/a/0.png");
  EXPECT_EQ(address, "/images/generations/a/0.png");
  EXPECT_EQ(store_.name_at(address), "generations/a/0.png");
  EXPECT_FALSE(store_.name_at("https://elsewhere/images/generations/a/0.png"));
  EXPECT_FALSE(store_.name_at("/images/../key"));
  EXPECT_THAT(store_.link("generations/a/0.png", kNow),
              ::testing::StartsWith("http://here/images/generations/a/0.png?expires="));
}

TEST_F(LocalBlobStoreTest, ANameThatIsNoneIsRefused) {
  EXPECT_THROW((void)put("../a.png", "a"), Error);
  EXPECT_THROW((void)store_.get("/etc/passwd", {}), Error);
}

}  // namespace
}  // namespace gesso::images
