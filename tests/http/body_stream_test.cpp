#include "gesso/http/body_stream.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace gesso::http {
namespace {

using Result = BodyWriter::Result;
using State = BodySource::State;

TEST(BodyStream, GivesInOrderWhatWasWritten) {
  const BodyStream stream = make_body_stream();
  EXPECT_EQ(stream.writer.write("one "), Result::kTaken);
  EXPECT_EQ(stream.writer.write("two"), Result::kTaken);
  std::string bytes = "what was here before";
  EXPECT_EQ(stream.source->take(bytes), State::kOpen);
  EXPECT_EQ(bytes, "one two");
  EXPECT_EQ(stream.source->take(bytes), State::kOpen);
  EXPECT_EQ(bytes, "");
  EXPECT_EQ(stream.writer.write("three"), Result::kTaken);
  stream.writer.finish();
  EXPECT_EQ(stream.source->take(bytes), State::kFinished);
  EXPECT_EQ(bytes, "three");
}

TEST(BodyStream, TakesNoMoreThanItsCapacityAndSaysWhenItHasRoom) {
  const BodyStream stream = make_body_stream({.capacity = 10});
  int called = 0;
  stream.writer.when_ready([&] { ++called; });
  EXPECT_EQ(called, 1);  // there is room
  EXPECT_EQ(stream.writer.write("12345678"), Result::kTaken);
  EXPECT_EQ(stream.writer.write("90"), Result::kTaken);
  EXPECT_EQ(stream.writer.write("x"), Result::kFull);
  stream.writer.when_ready([&] { called = 100; });
  stream.writer.when_ready([&] { ++called; });
  EXPECT_EQ(called, 1);
  std::string bytes;
  stream.source->take(bytes);
  EXPECT_EQ(bytes, "1234567890");
  EXPECT_EQ(called, 2);  // the second took the first one's place
  stream.source->take(bytes);
  EXPECT_EQ(called, 2);
}

TEST(BodyStream, TakesAPieceThatIsLargerThanItsCapacityAlone) {
  const BodyStream stream = make_body_stream({.capacity = 4});
  EXPECT_EQ(stream.writer.write("a"), Result::kTaken);
  EXPECT_EQ(stream.writer.write("longer than four"), Result::kFull);
  std::string bytes;
  stream.source->take(bytes);
  EXPECT_EQ(stream.writer.write("longer than four"), Result::kTaken);
}

TEST(BodyStream, LetsAWriterWriteWhereItIsTold) {
  const BodyStream stream = make_body_stream({.capacity = 1});
  stream.writer.write("a");
  stream.writer.when_ready([&writer = stream.writer] { writer.write("b"); });
  std::string bytes;
  stream.source->take(bytes);
  EXPECT_EQ(bytes, "a");
  stream.source->take(bytes);
  EXPECT_EQ(bytes, "b");
}

TEST(BodyStream, WakesItsReaderOnceForEachTimeItFoundNothing) {
  const BodyStream stream = make_body_stream();
  int woken = 0;
  stream.source->on_data([&] { ++woken; });
  stream.writer.write("before it was asked");
  EXPECT_EQ(woken, 0);
  std::string bytes;
  stream.source->take(bytes);
  stream.writer.write("while it writes");
  EXPECT_EQ(woken, 0);
  stream.source->take(bytes);
  stream.source->take(bytes);  // nothing
  stream.writer.write("");
  EXPECT_EQ(woken, 0);
  stream.writer.write("x");
  stream.writer.write("y");
  EXPECT_EQ(woken, 1);
  stream.source->take(bytes);
  stream.source->take(bytes);
  stream.writer.finish();
  EXPECT_EQ(woken, 2);
}

TEST(BodyStream, TellsTheWriterThatNobodyReads) {
  BodyStream stream = make_body_stream();
  stream.writer.write("x");
  bool told = false;
  stream.writer.when_ready([&] { told = true; });
  const std::stop_token closed = stream.writer.closed();
  EXPECT_FALSE(closed.stop_requested());
  stream.source.reset();
  EXPECT_TRUE(closed.stop_requested());
  EXPECT_TRUE(told);
  EXPECT_EQ(stream.writer.write("y"), Result::kClosed);
  told = false;
  stream.writer.when_ready([&] { told = true; });
  EXPECT_TRUE(told);
}

TEST(BodyStream, IsAbortedWhenItsLastWriterGoesWithoutAnEnd) {
  std::optional<BodyStream> stream = make_body_stream();
  const auto source = stream->source;
  std::optional<BodyWriter> copy = stream->writer;
  stream->writer.write("a part");
  stream.reset();
  std::string bytes;
  EXPECT_EQ(source->take(bytes), State::kOpen);
  copy.reset();
  EXPECT_EQ(source->take(bytes), State::kAborted);
}

TEST(BodyStream, TakesNothingBehindItsEnd) {
  const BodyStream stream = make_body_stream();
  stream.writer.finish();
  EXPECT_EQ(stream.writer.write("more"), Result::kClosed);
  std::string bytes;
  EXPECT_EQ(stream.source->take(bytes), State::kFinished);
  EXPECT_EQ(bytes, "");
}

TEST(BodyStream, LosesNothingBetweenTwoThreads) {
  const BodyStream stream = make_body_stream({.capacity = 64});
  std::atomic<int> wakes = 0;
  stream.source->on_data([&] {
    ++wakes;
    wakes.notify_one();
  });
  std::string expected;
  for (int i = 0; i < 20'000; ++i) expected += std::to_string(i) + " ";
  std::thread writing([&] {
    for (int i = 0; i < 20'000; ++i) {
      const std::string piece = std::to_string(i) + " ";
      while (stream.writer.write(piece) == Result::kFull) {
        std::atomic<bool> ready = false;
        stream.writer.when_ready([&] {
          ready = true;
          ready.notify_one();
        });
        ready.wait(false);
      }
    }
    stream.writer.finish();
  });
  std::string got;
  std::string bytes;
  for (;;) {
    const int before = wakes;
    const State state = stream.source->take(bytes);
    got += bytes;
    if (state == State::kFinished) break;
    if (bytes.empty()) wakes.wait(before);
  }
  writing.join();
  EXPECT_EQ(got, expected);
}

}  // namespace
}  // namespace gesso::http
