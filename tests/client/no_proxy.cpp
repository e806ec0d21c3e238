// The servers of these tests are on this machine: whatever proxies its environment names are not
// meant for them.
#include <gtest/gtest.h>
#include <stdlib.h>

namespace {

class NoProxy final : public ::testing::Environment {
  void SetUp() override {
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                             "no_proxy", "NO_PROXY"}) {
      ::unsetenv(name);
    }
  }
};

const auto* const kNoProxy = ::testing::AddGlobalTestEnvironment(new NoProxy);

}  // namespace
