#include "gesso/cli/logging.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace gesso::cli {
namespace {

namespace json = boost::json;
constexpr Time kMoment{std::chrono::sys_days{std::chrono::year{2026} / 1 / 2}};

TEST(JsonLog, WritesWhateverAMessageHolds) {
  const json::value line = json::parse(json_line(kMoment, "warning", "a \"b\"\nc\x01 \xff"));
  EXPECT_EQ(line.at("time").as_string(), "2026-01-02T00:00:00.000Z");
  EXPECT_EQ(line.at("level").as_string(), "warning");
  EXPECT_TRUE(line.at("message").as_string().starts_with("a \"b\"\nc"));
}

TEST(JsonLog, TellsWhatARequestWas) {
  api::Record record{.method = "POST",
                     .path = "/api/v1/generations",
                     .operation = "createGeneration",
                     .request_id = "req_1",
                     .user_id = "",
                     .address = "127.0.0.1",
                     .status = 201,
                     .duration = std::chrono::microseconds{1234}};
  const json::value line = json::parse(json_line(kMoment, record));
  EXPECT_EQ(line.at("request_id").as_string(), "req_1");
  EXPECT_TRUE(line.at("user_id").is_null());
  EXPECT_EQ(line.at("operation").as_string(), "createGeneration");
  EXPECT_EQ(line.at("method").as_string(), "POST");
  EXPECT_EQ(line.at("status").as_int64(), 201);
  EXPECT_EQ(line.at("duration_us").as_int64(), 1234);
}

// A path may hold what would end a line of the log and begin another (ASVS 16.4.1).
TEST(JsonLog, KeepsARequestOnOneLine) {
  api::Record record{.path = "/a\r\n{\"level\":\"info\"}"};
  EXPECT_EQ(json_line(kMoment, record).find('\n'), std::string::npos);
}

}  // namespace
}  // namespace gesso::cli
