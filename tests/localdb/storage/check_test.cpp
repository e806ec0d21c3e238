// `check` finds what is wrong: the folder is damaged behind the store's back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lmdb.h>

#include <functional>

#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "tests/localdb/storage/damage.hpp"
#include "tests/localdb/storage/store_fixture.hpp"

namespace gesso::localdb {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CheckTest : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    create_index(R"({"key": {"a": 1}})");
    insert(R"({"_id": 1, "a": [1, 2]})");
    insert(R"({"_id": 2, "a": 3})");
    store_.reset();
  }

  void damage(const char* table, const std::function<void(MDB_cursor*)>& change) {
    damage_folder(dir_.path(), table, change);
  }

  static void remove_last(MDB_cursor* cursor) {
    MDB_val key{};
    MDB_val value{};
    ASSERT_EQ(mdb_cursor_get(cursor, &key, &value, MDB_LAST), 0);
    ASSERT_EQ(mdb_cursor_del(cursor, 0), 0);
  }

  std::vector<std::string> faults() { return check_folder(dir_.path(), read_index).faults; }
};

TEST_F(CheckTest, CountsWhatItLookedAt) {
  const FolderReport report = check_folder(dir_.path(), read_index);
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.collections, 1U);
  EXPECT_EQ(report.documents, 2U);
  EXPECT_EQ(report.index_entries, 5U);
}

TEST_F(CheckTest, FindsAMissingEntry) {
  damage("entries", remove_last);
  EXPECT_THAT(faults(), Contains(HasSubstr("test.users record 2, index a_1: an entry is missing")));
  EXPECT_THAT(faults(), Contains(HasSubstr("the counter says 3 entries, there are 2")));
}

TEST_F(CheckTest, FindsAnEntryWithoutItsDocument) {
  damage("records", remove_last);
  EXPECT_THAT(faults(), Contains(HasSubstr("there is no such document")));
  EXPECT_THAT(faults(), Contains(HasSubstr("the counters say 2 documents")));
}

TEST_F(CheckTest, FindsAnEntryThatItsDocumentDoesNotHave) {
  damage("records", [](MDB_cursor* cursor) {
    MDB_val key{};
    MDB_val value{};
    ASSERT_EQ(mdb_cursor_get(cursor, &key, &value, MDB_LAST), 0);
    const bson::Document other = bson::from_json(R"({"_id": 2, "a": 4})");
    value = {.mv_size = other.size(), .mv_data = const_cast<std::uint8_t*>(other.data())};
    ASSERT_EQ(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
  });
  EXPECT_THAT(faults(), Contains(HasSubstr("the document does not have this key")));
  EXPECT_THAT(faults(), Contains(HasSubstr("an entry is missing")));
}

TEST_F(CheckTest, FindsADocumentThatIsNoBson) {
  damage("records", [](MDB_cursor* cursor) {
    MDB_val key{};
    MDB_val value{};
    ASSERT_EQ(mdb_cursor_get(cursor, &key, &value, MDB_LAST), 0);
    std::string garbage = "garbage";
    value = {.mv_size = garbage.size(), .mv_data = garbage.data()};
    ASSERT_EQ(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
  });
  EXPECT_THAT(faults(), Contains(HasSubstr("not valid BSON")));
}

TEST_F(CheckTest, FindsRowsThatBelongToNothing) {
  damage("records", [](MDB_cursor* cursor) {
    std::string name(12, '\7');
    MDB_val key{.mv_size = name.size(), .mv_data = name.data()};
    MDB_val value = key;
    ASSERT_EQ(mdb_cursor_put(cursor, &key, &value, 0), 0);
  });
  EXPECT_THAT(faults(), Contains(HasSubstr("that the catalog does not know")));
}

TEST_F(CheckTest, SaysThatAFolderWithoutDataIsNoDataFolder) {
  const gesso::testing::TempDir empty;
  try {
    static_cast<void>(check_folder(empty.path(), read_index));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
  }
}

TEST_F(CheckTest, LeavesAFolderAloneThatAServerHasOpen) {
  store_.emplace(options());
  try {
    static_cast<void>(check_folder(dir_.path(), read_index));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kConflict);
  }
}

}  // namespace
}  // namespace gesso::localdb
