#include "gesso/http/body_stream.hpp"

#include <mutex>
#include <utility>

namespace gesso::http {
namespace detail {

// What both ends share. Callbacks run without the mutex, so that they may write.
class BodyPipe {
  const BodyStreamOptions options_;
  std::stop_source closed_token_;
  std::mutex mutex_;  // guards what follows
  std::string buffer_;
  BodySource::State state_ = BodySource::State::kOpen;
  bool closed_ = false;   // by the reader
  bool wanting_ = false;  // the reader found nothing and is to be woken
  // Set before the first `take` and never again: whoever saw `wanting_` may call it unlocked.
  std::function<void()> wake_;
  std::function<void()> ready_;

 public:
  explicit BodyPipe(BodyStreamOptions options) : options_(options) {}

  [[nodiscard]] bool is_endless() const noexcept { return options_.endless; }
  [[nodiscard]] std::stop_token closed_token() const noexcept { return closed_token_.get_token(); }

  BodyWriter::Result write(std::string_view piece) {
    bool wakes = false;
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || state_ != BodySource::State::kOpen) return BodyWriter::Result::kClosed;
      if (!buffer_.empty() && buffer_.size() + piece.size() > options_.capacity) {
        return BodyWriter::Result::kFull;
      }
      buffer_.append(piece);
      if (!buffer_.empty()) wakes = std::exchange(wanting_, false);
    }
    if (wakes) wake_();
    return BodyWriter::Result::kTaken;
  }

  void end(BodySource::State state) {
    bool wakes = false;
    {
      const std::lock_guard lock(mutex_);
      if (state_ != BodySource::State::kOpen) return;
      state_ = state;
      wakes = std::exchange(wanting_, false);
    }
    if (wakes) wake_();
  }

  // A write into an empty buffer is taken whatever its size: so that is when a writer is called.
  void when_ready(std::function<void()> ready) {
    {
      const std::lock_guard lock(mutex_);
      if (!closed_ && !buffer_.empty()) {
        std::swap(ready_, ready);  // the one that waited is destroyed unlocked
        return;
      }
    }
    ready();
  }

  void on_data(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }

  BodySource::State take(std::string& bytes) {
    std::function<void()> ready;
    BodySource::State state{};
    {
      const std::lock_guard lock(mutex_);
      bytes.clear();
      std::swap(bytes, buffer_);
      state = state_;
      wanting_ = bytes.empty() && state == BodySource::State::kOpen && wake_ != nullptr;
      std::swap(ready, ready_);
    }
    if (ready) ready();
    return state;
  }

  void close() {
    std::function<void()> ready;
    std::string dropped;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      wanting_ = false;
      std::swap(ready, ready_);
      std::swap(dropped, buffer_);
    }
    closed_token_.request_stop();
    if (ready) ready();
  }
};

}  // namespace detail

class BodyWriter::End {
  std::shared_ptr<detail::BodyPipe> pipe_;

 public:
  explicit End(std::shared_ptr<detail::BodyPipe> pipe) : pipe_(std::move(pipe)) {}
  ~End() { pipe_->end(BodySource::State::kAborted); }
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  [[nodiscard]] detail::BodyPipe& pipe() const noexcept { return *pipe_; }
};

BodyWriter::BodyWriter(std::shared_ptr<detail::BodyPipe> pipe)
    : end_(std::make_shared<End>(std::move(pipe))) {}

BodyWriter::Result BodyWriter::write(std::string_view piece) const {
  return end_->pipe().write(piece);
}
void BodyWriter::finish() const { end_->pipe().end(BodySource::State::kFinished); }
void BodyWriter::when_ready(std::function<void()> ready) const {
  end_->pipe().when_ready(std::move(ready));
}
std::stop_token BodyWriter::closed() const noexcept { return end_->pipe().closed_token(); }

BodySource::~BodySource() { pipe_->close(); }
void BodySource::on_data(std::function<void()> wake) { pipe_->on_data(std::move(wake)); }
BodySource::State BodySource::take(std::string& bytes) { return pipe_->take(bytes); }
bool BodySource::is_endless() const noexcept { return pipe_->is_endless(); }

BodyStream make_body_stream(BodyStreamOptions options) {
  auto pipe = std::make_shared<detail::BodyPipe>(options);
  return {.writer = BodyWriter(pipe), .source = std::make_shared<BodySource>(pipe)};
}

}  // namespace gesso::http
