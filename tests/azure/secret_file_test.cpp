#include "gesso/azure/secret_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gesso/testing/temp_dir.hpp"
#include "tests/azure/support.hpp"

namespace gesso::azure {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct ArcKey : ::testing::Test {
  testing::TempDir root;
  fs::path folder = root / "tokens";
  ArcKeyRules rules{.folder = folder, .owner = ::getpwuid(::getuid())->pw_name};

  ArcKey() { fs::create_directory(folder); }

  std::string write(const fs::path& path, const std::string& text = "key") const {
    std::ofstream(path) << text;
    return path;
  }
  std::string refusal(const std::string& path) const {
    const Error error = error_of([&] { (void)read_arc_key(path, rules); });
    EXPECT_EQ(error.kind(), ErrorKind::kAuth);
    EXPECT_THAT(error.what(), HasSubstr("Azure Arc's challenge names " + path));
    return error.what();
  }
};

TEST_F(ArcKey, IsReadFromTheAgentsFolder) {
  EXPECT_EQ(read_arc_key(write(folder / "a.key", "secret\n"), rules).reveal(), "secret");
  const std::string largest(4096, 'x');
  EXPECT_EQ(read_arc_key(write(folder / "b.key", largest), rules).reveal(), largest);
}

TEST_F(ArcKey, LiesInTheFolderItself) {
  fs::create_directory(folder / "sub");
  EXPECT_THAT(refusal(write(root / "a.key")), HasSubstr("expected a file in " + folder.string()));
  EXPECT_THAT(refusal(write(folder / "sub" / "a.key")), HasSubstr("right in"));
  EXPECT_THAT(refusal(folder.string() + "/../a.key"), HasSubstr("right in"));
  EXPECT_THAT(refusal(folder.string() + "x/a.key"), HasSubstr("expected a file in"));
  EXPECT_THAT(refusal("a.key"), HasSubstr("expected a file in"));
  EXPECT_THAT(refusal(folder.string() + "/.."), HasSubstr(".key"));
}

TEST_F(ArcKey, HasItsExtension) {
  EXPECT_THAT(refusal(write(folder / "a.txt")), HasSubstr("ends with .key"));
  EXPECT_THAT(refusal(write(folder / "a.key.bak")), HasSubstr("ends with .key"));
}

TEST_F(ArcKey, IsNoLinkAndNothingButAFile) {
  write(root / "outside.key");
  fs::create_symlink(root / "outside.key", folder / "link.key");
  EXPECT_THAT(refusal(folder / "link.key"), HasSubstr("symbolic link"));
  fs::create_directory(folder / "folder.key");
  EXPECT_THAT(refusal(folder / "folder.key"), HasSubstr("no regular file"));
  ASSERT_EQ(::mkfifo((folder / "pipe.key").c_str(), 0600), 0);
  EXPECT_THAT(refusal(folder / "pipe.key"), HasSubstr("no regular file"));
  EXPECT_THAT(refusal(folder / "none.key"), HasSubstr("cannot be opened"));
}

TEST_F(ArcKey, IsSmallAndNotEmpty) {
  EXPECT_THAT(refusal(write(folder / "a.key", std::string(4097, 'x'))), HasSubstr("found 4097"));
  EXPECT_THAT(refusal(write(folder / "b.key", "")), HasSubstr("empty"));
}

TEST_F(ArcKey, BelongsToRootOrTheAgent) {
  const std::string path = write(folder / "a.key");
  fs::permissions(path, fs::perms::others_write, fs::perm_options::add);
  EXPECT_THAT(refusal(path), HasSubstr("everybody may write"));
  fs::permissions(path, fs::perms::others_write, fs::perm_options::remove);
  if (::getuid() == 0) {
    // Its own rules know nobody but root here; the file is given to somebody else.
    rules.owner = "himds-is-not-here";
    EXPECT_EQ(read_arc_key(path, rules).reveal(), "key");
    ASSERT_EQ(::chown(path.c_str(), 12'345, 12'345), 0);
  } else {
    rules.owner = "root";
  }
  EXPECT_THAT(refusal(path), HasSubstr("to own it, found user"));
}

TEST(ArcChallenge, NamesAFile) {
  const std::string path = "/var/opt/azcmagent/tokens/a.key";
  EXPECT_EQ(read_arc_challenge("Basic realm=" + path), path);
  EXPECT_EQ(read_arc_challenge("basic REALM=" + path + "\r\n"), path);
  EXPECT_EQ(read_arc_challenge("Basic realm=\"" + path + "\""), path);
  for (const std::string& text :
       {std::string(), std::string("Basic"), std::string("Basic realm="),
        std::string("Basic realm=\"\""), std::string("Digest realm=/a"),
        std::string("Basic realm=/a\nb"), "Basic realm=/" + std::string(2000, 'a'),
        std::string("Basic realm=/a\", x=\"b")}) {
    EXPECT_EQ(error_of([&] { (void)read_arc_challenge(text); }).kind(), ErrorKind::kAuth) << text;
  }
}

}  // namespace
}  // namespace gesso::azure
