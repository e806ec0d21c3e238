// The wire fuzzer over its corpus, and over every cut and every flipped bit of it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "fuzz/wire_fuzzer.cpp"  // NOLINT: the fuzzer's entry is the thing under test

namespace {

std::vector<std::uint8_t> read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(WireFuzzer, SurvivesItsCorpusCutAnywhereAndWithAnyBitFlipped) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(GESSO_SOURCE_DIR "/fuzz/corpus/wire")) {
    std::vector<std::uint8_t> bytes = read(entry.path());
    ASSERT_GT(bytes.size(), 16U) << entry.path();
    ++files;
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
      LLVMFuzzerTestOneInput(bytes.data(), size);
    }
    if (bytes.size() > 500) continue;  // the deep one takes its time
    for (std::uint8_t& byte : bytes) {
      for (int bit = 0; bit < 8; ++bit) {
        byte = static_cast<std::uint8_t>(byte ^ (1U << bit));
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
        byte = static_cast<std::uint8_t>(byte ^ (1U << bit));
      }
    }
  }
  EXPECT_GE(files, 10);
}

TEST(WireFuzzer, ItsCorpusHoldsMessagesThatAreTaken) {
  for (const char* name : {"ping", "hello_legacy", "insert_sequence", "checksum", "too_deep"}) {
    const std::vector<std::uint8_t> bytes =
        read(std::filesystem::path(GESSO_SOURCE_DIR "/fuzz/corpus/wire") / name);
    EXPECT_NO_THROW((void)wire::parse_message(bytes)) << name;
  }
}

}  // namespace
