#include <gtest/gtest.h>

#include "gesso/localdb/engine/modify.hpp"

namespace gesso::localdb {
namespace {

// A writer that says of itself what a test wants.
class SaidWriter final : public Writer {
 public:
  std::uint64_t rows = 0;
  std::size_t bytes = 0;
  bool awaited = false;

  CollectionPtr ensure_collection(std::string_view, std::string_view) override { return nullptr; }
  RecordId insert(const Collection&, bson::View) override { return 0; }
  void replace(const Collection&, RecordId, bson::View) override {}
  bool remove(const Collection&, RecordId) override { return false; }
  [[nodiscard]] std::uint64_t changes() const override { return rows; }
  [[nodiscard]] std::size_t written_bytes() const override { return bytes; }
  [[nodiscard]] bool is_awaited() const override { return awaited; }
};

// A share is over by its time too, which a busy machine may let pass: then another is begun.
bool can_go_on(SaidWriter& writer, std::uint64_t rows, std::size_t bytes) {
  for (int i = 0; i < 1000; ++i) {
    writer.rows = 1'000'000;  // written by others of the group
    writer.bytes = std::size_t{1} << 30;
    const Share share(writer);
    writer.rows += rows;
    writer.bytes += bytes;
    if (!share.is_over()) return true;
  }
  return false;
}

TEST(Share, IsSmallWhileOthersWaitAndLargerWhileNobodyDoes) {
  SaidWriter writer;
  writer.awaited = true;
  EXPECT_TRUE(can_go_on(writer, 255, 0));
  EXPECT_FALSE(can_go_on(writer, 256, 0));
  EXPECT_FALSE(can_go_on(writer, 0, std::size_t{1} << 20));
  writer.awaited = false;
  EXPECT_TRUE(can_go_on(writer, 256, std::size_t{1} << 20));
  EXPECT_FALSE(can_go_on(writer, 16 * 1024, 0));
  EXPECT_FALSE(can_go_on(writer, 0, std::size_t{4} << 20));
}

}  // namespace
}  // namespace gesso::localdb
