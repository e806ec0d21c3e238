#include "gesso/http/event_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/http/body_stream.hpp"

namespace gesso::http {
namespace {

TEST(EventStream, WritesAnEventWithTheFieldsThatItHas) {
  EXPECT_EQ(to_text({.event = "progress", .id = "7", .data = R"({"a":1})"}),
            "event: progress\nid: 7\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(to_text({.data = "x"}), "data: x\n\n");
  EXPECT_EQ(to_text({}), "data: \n\n");
}

TEST(EventStream, GivesEachLineOfTheDataAFieldOfItsOwn) {
  EXPECT_EQ(to_text({.data = "a\nb\r\nc\rd\n"}), "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
}

TEST(EventStream, LeavesOutWhatWouldBeReadAsAnotherField) {
  EXPECT_EQ(to_text({.event = "a\ndata: forged", .id = std::string_view("1\0", 2), .data = "x"}),
            "data: x\n\n");
}

TEST(EventStream, IsStoredByNobody) {
  const BodyStream stream = make_body_stream();
  const Response response = event_stream_response(stream.source);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/event-stream");
  ASSERT_NE(response.header("cache-control"), nullptr);
  EXPECT_EQ(*response.header("cache-control"), "no-store");
  EXPECT_EQ(response.stream, stream.source);
}

}  // namespace
}  // namespace gesso::http
