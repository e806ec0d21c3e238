#include "gesso/azure/azure_cli.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "gesso/azure/process.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/azure/support.hpp"

namespace gesso::azure {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Asked = Credential::Asked;

// A stand-in for `az`: a script.
struct Az {
  testing::TempDir folder;
  testing::FakeClock clock;
  std::string program = folder / "az";

  explicit Az(const std::string& script) {
    std::ofstream(program) << "#!/bin/sh\n" << script;
    fs::permissions(program, fs::perms::owner_all);
  }
  std::variant<AccessToken, NotHere> get(const TokenRequest& request = {},
                                         const client::Call& call = {},
                                         std::chrono::milliseconds limit = 10s) const {
    return make_azure_cli({.program = program, .limit = limit}, clock)
        ->get(request, Asked::kAlone, call);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(folder / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

std::string prints(const std::string& text) { return "cat <<'END'\n" + text + "\nEND\n"; }

const std::string kGood = R"({"accessToken":"good","expires_on":1769864400,"tenant":"t"})";

TEST(AzureCli, AsksForATokenOfTheResource) {
  const Az az(R"(for a in "$@"; do echo "$a" >> "$(dirname "$0")/args"; done)"
              "\n" +
              prints(kGood));
  const auto result = az.get({.tenant = "my.tenant"});
  EXPECT_EQ(std::get<AccessToken>(result).value.reveal(), "good");
  EXPECT_EQ(std::get<AccessToken>(result).expires_on, az.clock.now() + 1h);
  EXPECT_EQ(az.read("args"),
            "account\nget-access-token\n--output\njson\n--resource\nhttps://vault.azure.net\n"
            "--tenant\nmy.tenant\n");
}

TEST(AzureCli, IsNotSetUpWhereItIsNotInstalledOrNobodyIsLoggedIn) {
  const testing::FakeClock clock;
  const auto why = [](std::variant<AccessToken, NotHere> result) {
    return std::get<NotHere>(result).reason;
  };
  for (const char* program : {"/nowhere/az", "gesso-has-no-such-program"}) {
    EXPECT_EQ(why(make_azure_cli({.program = program}, clock)->get({}, Asked::kAlone, {})),
              "the Azure CLI is not installed: no " + std::string(program));
  }
  EXPECT_THAT(why(Az("echo 'exec: python3: not found' >&2; exit 127").get()),
              StartsWith("the Azure CLI is not installed: exec: python3"));
  EXPECT_EQ(why(Az("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1").get()),
            "nobody is logged in, or not any more: run `az login` (ERROR: Please run 'az login' to "
            "setup account.)");
}

TEST(AzureCli, AFailureHasItsFirstLine) {
  const Error error =
      error_of([] { (void)Az("echo 'ERROR: no such tenant' >&2; echo more >&2; exit 3").get(); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_THAT(error.what(), HasSubstr("az ended with 3: ERROR: no such tenant"));
  EXPECT_THAT(error.what(), Not(HasSubstr("more")));
}

TEST(AzureCli, OtherOutputIsNotShown) {
  const Error error = error_of([] { (void)Az(prints(R"({"accessToken":"a-secret"})")).get(); });
  EXPECT_EQ(error.kind(), ErrorKind::kInternal);
  EXPECT_THAT(error.what(), HasSubstr("az: the token's reply cannot be read"));
  EXPECT_THAT(error.what(), Not(HasSubstr("a-secret")));
}

TEST(AzureCli, NoArgumentCanLookLikeAnOption) {
  const Az az(prints(kGood));
  EXPECT_EQ(error_of([&] { (void)az.get({.resource = "--debug"}); }).kind(),
            ErrorKind::kValidation);
  EXPECT_EQ(error_of([&] { (void)az.get({.tenant = "--debug"}); }).kind(), ErrorKind::kValidation);
}

// A script that says that it has started, then hangs with a child of its own.
const std::string kHangs =
    "sleep 1000 & echo $! > \"$(dirname \"$0\")/child\"\n"
    "echo started > \"$(dirname \"$0\")/started\"; wait\n";

// Whether the script's child has been killed: init may take a moment to collect it.
bool child_is_gone(const Az& az) {
  const int pid = std::stoi(az.read("child"));
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text{std::istreambuf_iterator<char>(stat), {}};
  return text.empty() || text.find(") Z ") != std::string::npos ||
         text.find(") X ") != std::string::npos || text.find("(sleep)") == std::string::npos;
}

TEST(AzureCli, IsKilledWithAllItStartedWhenItTakesTooLong) {
  const Az az(kHangs);
  const Error error = error_of([&] { (void)az.get({}, {}, 100ms); });
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  EXPECT_THAT(error.what(), HasSubstr("did not end within 100 ms"));
}

TEST(AzureCli, IsKilledAtTheDeadline) {
  const Az az(kHangs);
  const Error error = error_of([&] { (void)az.get({}, {.deadline = Deadline::after(100ms)}, 1h); });
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  EXPECT_THAT(error.what(), HasSubstr("the deadline passed while running"));
}

TEST(AzureCli, IsKilledWithAllItStartedAtOnceWhenTheProgramStops) {
  const Az az(kHangs);
  std::stop_source stop;
  std::optional<Error> error;
  std::thread caller(
      [&] { error = error_of([&] { (void)az.get({}, {.stop = stop.get_token()}, 1h); }); });
  // Until the script says that it runs.
  while (!fs::exists(az.folder / "started")) std::this_thread::yield();
  stop.request_stop();
  caller.join();  // in an hour, if the stop were not seen
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kUnavailable);
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (!child_is_gone(az) && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_TRUE(child_is_gone(az));
}

TEST(Process, GivesOutputErrorsAndCode) {
  const auto result = run_process({"sh", "-c", "echo out; echo err >&2; exit 7"}, 10s, {});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 7);
  EXPECT_EQ(result->out.reveal(), "out\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(run_process({"sh", "-c", "kill -9 $$"}, 10s, {})->exit_code, 137);
}

TEST(Process, HasNoInputAndCloseStreamsDoNotEndIt) {
  EXPECT_EQ(run_process({"cat"}, 10s, {})->out.reveal(), "");
  EXPECT_EQ(run_process({"sh", "-c", "exec >&- 2>&-; exit 3"}, 10s, {})->exit_code, 3);
}

TEST(Process, DoesNotWaitForWhatItsChildLeftBehind) {
  const auto result = run_process({"sh", "-c", "sleep 1000 & echo done"}, 500s, {});
  EXPECT_EQ(result->out.reveal(), "done\n");
}

TEST(Process, TakesALongOutputAndRefusesAFlood) {
  const auto result = run_process({"sh", "-c", "head -c 500000 /dev/zero"}, 10s, {});
  EXPECT_EQ(result->out.reveal().size(), 500'000U);
  EXPECT_EQ(error_of([] {
              (void)run_process({"cat", "/dev/zero"}, 10s, {});
            }).kind(),
            ErrorKind::kInternal);
}

}  // namespace
}  // namespace gesso::azure
