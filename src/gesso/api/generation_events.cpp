#include "gesso/api/generation_events.hpp"

#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "gesso/http/event_stream.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::api {

namespace {

using domain::GenerationEvent;
using domain::GenerationWatch;

// Of a silent stream: how many comments go out for one look at whether its client is still let in.
constexpr int kQuietsBetweenAsks = 4;

std::string text_of(const GenerationEvent& event, const ShowGeneration& show) {
  const std::string id = std::to_string(event.position);
  if (!event.generation) return http::to_text({.event = "deleted", .id = id, .data = "{}"});
  return http::to_text({.event = to_string(event.generation->status),
                        .id = id,
                        .data = schema::to_json(show(*event.generation))});
}

// What stands between the watch and one stream. The watch's callbacks own it, and it owns its
// subscription, so it lives until one of the two ends.
class Feed : public std::enable_shared_from_this<Feed> {
  struct Piece {
    std::string text;
    bool is_last = false;
  };
  const http::BodyWriter writer_;
  const ShowGeneration show_;
  const AskAdmission ask_;
  int quiets_ = 0;    // the watch's thread alone
  std::mutex mutex_;  // guards what follows
  std::optional<Piece> waiting_;
  bool done_ = false;
  GenerationWatch::Subscription subscription_;

 public:
  Feed(http::BodyWriter writer, ShowGeneration show, AskAdmission ask)
      : writer_(std::move(writer)), show_(std::move(show)), ask_(std::move(ask)) {}

  void attach(GenerationWatch::Subscription subscription) {
    {
      const std::lock_guard lock(mutex_);
      if (!done_) {
        subscription_ = std::move(subscription);
        return;
      }
    }
    subscription.end();
  }

  void tell(const GenerationEvent& event) {
    std::string text = text_of(event, show_);
    {
      const std::lock_guard lock(mutex_);
      waiting_ = Piece{.text = std::move(text), .is_last = event.is_last};
    }
    send_if_admitted();
  }

  void keep_alive() {
    if (writer_.write(http::kKeepAliveComment) == http::BodyWriter::Result::kClosed) return end();
    if (++quiets_ % kQuietsBetweenAsks == 0) send_if_admitted();
  }

 private:
  void send_if_admitted() {
    ask_([feed = shared_from_this()](bool admitted) {
      if (admitted) return feed->send();
      feed->end();
      feed->writer_.finish();
    });
  }

  // Writes what waits, now or when the client has read.
  void send() {
    using Result = http::BodyWriter::Result;
    bool is_last = false;
    Result result = Result::kTaken;
    {
      const std::lock_guard lock(mutex_);
      if (!waiting_) return;
      is_last = waiting_->is_last;
      result = writer_.write(waiting_->text);
      if (result == Result::kTaken) waiting_.reset();
    }
    if (result == Result::kFull) {
      writer_.when_ready([feed = shared_from_this()] { feed->send_if_admitted(); });
      return;
    }
    if (result == Result::kClosed || is_last) end();
    if (result == Result::kTaken && is_last) writer_.finish();
  }

  void end() {
    GenerationWatch::Subscription subscription;
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
      subscription = std::move(subscription_);
    }
    subscription.end();
  }
};

}  // namespace

std::shared_ptr<http::BodySource> generation_events(GenerationWatch& watch,
                                                    const models::GenerationId& id,
                                                    std::int64_t after, ShowGeneration show,
                                                    AskAdmission ask) {
  auto [writer, source] = http::make_body_stream({.endless = true});
  const auto feed = std::make_shared<Feed>(std::move(writer), std::move(show), std::move(ask));
  feed->attach(watch.watch(
      id, after, [feed](const GenerationEvent& event) { feed->tell(event); },
      [feed] { feed->keep_alive(); }));
  return source;
}

}  // namespace gesso::api
