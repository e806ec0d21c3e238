#include "gesso/http/detail/connection.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <charconv>

#include "gesso/base/error.hpp"
#include "gesso/http/detail/loop.hpp"
#include "gesso/http/detail/responder.hpp"
#include "gesso/http/detail/response_head.hpp"
#include "gesso/http/problem.hpp"

namespace gesso::http::detail {
namespace {

constexpr std::string_view kTooManyConnections = "The service has more connections than it can";

bool is_always_answered(const ServerOptions& options, std::string_view path) {
  return std::ranges::find(options.always_answered, path) != options.always_answered.end();
}

Response overloaded(std::string_view detail, std::string_view request_id) {
  return to_response({.status = 503,
                      .code = "overloaded",
                      .detail = std::string(detail),
                      .retry_after = std::chrono::seconds{1}},
                     request_id);
}

}  // namespace

ClientConnection::ClientConnection(Loop& loop, std::unique_ptr<Transport> transport, Peer peer,
                                   Place place)
    : loop_(loop),
      transport_(std::move(transport)),
      peer_(std::move(peer)),
      place_(std::move(place)),
      options_(loop.shared->options),
      input_(kIdleBuffer) {}

// Also where the server was stopped and nothing was closed one by one.
ClientConnection::~ClientConnection() {
  hold(0);
  client_gone_.request_stop();
}

void ClientConnection::start() {
  deadline_ = SteadyClock::now() + options_.header_timeout;
  transport_->open(shared_from_this());
}

void ClientConnection::on_open(error_code error) {
  if (state_ != State::kOpening) return;
  if (error) {
    close();
    return;
  }
  begin_request();
  received_ = SteadyClock::now();
  deadline_ =
      received_ + (peer_.is_spare ? std::min(options_.spare_timeout, options_.header_timeout)
                                  : options_.header_timeout);
  if (loop_.draining && !transport_->has_unread()) return close();
  read();
}

void ClientConnection::check(SteadyClock::time_point now) {
  if (now < deadline_) return;
  if (state_ == State::kReading && peer_.is_spare) {
    refuse_for(Refusal::Reason::kConnections, kTooManyConnections);
  } else if (state_ == State::kReading && parser_->started()) {
    refuse(408, "The request did not arrive in its time");
  } else {
    close();
  }
}

void ClientConnection::drain() {
  // What has arrived is a request, which is answered.
  const bool is_idle = state_ == State::kReading && !parser_->started() && begin_ == end_;
  if (is_idle && !transport_->has_unread()) close();
  if (state_ == State::kStreaming) feed();
}

void ClientConnection::close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  const auto self = shared_from_this();
  transport_->close();
  loop_.remove(self);
  place_.reset();
  hold(0);
  // Both call who waits for it, who may call us.
  source_.reset();
  delivery_.reset();
  client_gone_.request_stop();
}

// Counts what this connection keeps in memory; false, and nothing changes, where that is too much.
bool ClientConnection::hold(std::size_t bytes) {
  std::atomic<std::size_t>& total = loop_.shared->outstanding_bytes;
  if (bytes > held_) {
    const std::size_t more = bytes - held_;
    if (total.fetch_add(more) + more > options_.max_outstanding_bytes) {
      total -= more;
      return false;
    }
  } else if (bytes < held_) {
    total -= held_ - bytes;
  }
  held_ = bytes;
  return true;
}

void ClientConnection::begin_request() {
  state_ = State::kReading;
  parser_.emplace(options_.max_header_bytes, options_.max_body_bytes);
  if (options_.body_limit) parser_->limit_body_by(options_.body_limit);
  continue_sent_ = false;
}

void ClientConnection::read() {
  if (reading_) return;
  if (read_all_) {
    close();
    return;
  }
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (state_ == State::kReading && parser_->header_done() && input_.size() < kBodyBuffer) {
      input_.resize(kBodyBuffer);
    } else if (state_ == State::kReading && !parser_->started() && input_.size() > kIdleBuffer) {
      input_ = std::vector<char>(kIdleBuffer);
    }
  }
  if (end_ == input_.size()) {
    if (begin_ > 0) {
      std::copy(input_.begin() + static_cast<std::ptrdiff_t>(begin_),
                input_.begin() + static_cast<std::ptrdiff_t>(end_), input_.begin());
      end_ -= begin_;
      begin_ = 0;
    } else {
      input_.resize(input_.size() * 2);  // a header; the parser's limit bounds it
    }
  }
  reading_ = true;
  transport_->read(asio::buffer(input_.data() + end_, input_.size() - end_), shared_from_this());
}

// Reads on while a request is in work, within the buffer that is there.
void ClientConnection::watch() {
  if (!reading_ && !read_all_ && (begin_ > 0 || end_ < input_.size())) read();
}

void ClientConnection::on_read(error_code error, std::size_t count) {
  reading_ = false;
  if (error) {
    read_all_ = true;
  } else {
    end_ += count;
  }
  switch (state_) {
    case State::kReading:
      if (error) {
        close();
      } else if (!writing_) {  // else the 100 Continue goes first
        parse();
      }
      return;
    case State::kHandling:
    case State::kStreaming:
      if (!error) {
        watch();
      } else if (state_ == State::kStreaming) {
        close();
      } else {
        // The answer may still be taken by one who closed only the sending half.
        client_gone_.request_stop();
      }
      return;
    case State::kLingering:
      begin_ = end_ = 0;
      error ? close() : linger();
      return;
    case State::kOpening:
    case State::kWriting:  // the next read will see
    case State::kEnding:
    case State::kClosed:
      return;
  }
}

void ClientConnection::parse() {
  if (!parser_->started()) {
    const auto now = SteadyClock::now();
    received_ = now;
    if (!peer_.is_spare) deadline_ = now + options_.header_timeout;
  }
  const bool had_header = parser_->header_done();
  const auto result = parser_->parse({input_.data() + begin_, end_ - begin_});
  begin_ += result.consumed;
  if (!had_header && parser_->header_done() && !peer_.is_spare) {
    deadline_ = received_ + options_.request_timeout;
  }
  if (result.error) {
    refuse(result.error->status, result.error->detail);
    return;
  }
  if (parser_->header_done()) {
    is_vital_ = is_always_answered(options_, parser_->request().path);
    if (peer_.is_spare && !is_vital_) {
      refuse_for(Refusal::Reason::kConnections, kTooManyConnections);
      return;
    }
  }
  if (!hold(parser_->body_bytes())) {
    loop_.warn_of_overload("requests are refused: their bodies are more than memory may be used");
    refuse_for(Refusal::Reason::kMemory, "The service holds more than it can in memory");
    return;
  }
  if (parser_->done()) {
    handle();
    return;
  }
  if (parser_->expects_continue() && !continue_sent_) {
    continue_sent_ = true;
    head_ = "HTTP/1.1 100 Continue\r\n\r\n";
    body_.clear();
    tail_ = {};
    send();
    return;
  }
  read();
}

void ClientConnection::handle() {
  state_ = State::kHandling;
  deadline_ = kNever;
  received_ = SteadyClock::now();
  http_1_0_ = parser_->http_1_0();
  close_after_ = !parser_->keep_alive() || peer_.is_spare;
  Request request = parser_->release();
  head_only_ = request.method == Method::kHead;
  const auto id = request.headers.find("x-request-id");
  request_id_ = id && is_fit_request_id(*id) ? std::string(*id) : loop_.make_id();
  request.id = request_id_;
  request.client_gone = client_gone_.get_token();
  request.is_https = peer_.is_https;
  if (peer_.is_trusted) {
    const auto client =
        loop_.shared->proxies.client_of(peer_.address, peer_.is_https, request.headers);
    request.client_address = client.address.to_string();
    request.is_https = client.is_https;
  } else {
    request.client_address = peer_.text;
  }
  if (options_.access_log || options_.on_refused) {
    access_method_ = to_string(request.method);
    access_path_ = request.path;
  }

  const Responder respond = responder_to(loop_.weak_from_this(), weak_from_this());
  try {
    loop_.shared->handler(std::move(request), respond);
  } catch (const Error& error) {
    if (is_our_fault(error)) spdlog::error("{}: {}", request_id_, error.what());
    respond(problem_of(error, Location::kBody, request_id_));
  } catch (const std::exception& error) {
    spdlog::error("{}: {}", request_id_, error.what());
    respond(problem_of(Error(ErrorKind::kInternal, error.what()), Location::kBody, request_id_));
  }
  if (state_ == State::kHandling) watch();
}

void ClientConnection::respond(Response response) {
  if (state_ != State::kHandling) return;
  // The request's body is the handler's, who is done with it.
  if (!hold(response.body.size())) {
    hold(0);
    if (response.body.size() > kAlwaysSent && !is_vital_) {
      tell_refusal(Refusal::Reason::kMemory, 503);
      response =
          overloaded("The response is more than the service can hold in memory", request_id_);
      close_after_ = true;
    }
  }
  if (options_.access_log) {
    options_.access_log({.method = access_method_,
                         .path = access_path_,
                         .status = response.status,
                         .request_id = request_id_,
                         .duration = std::chrono::duration_cast<std::chrono::microseconds>(
                             SteadyClock::now() - received_)});
  }
  delivery_ = std::move(response.delivery);
  write(std::move(response));
}

void ClientConnection::refuse(int status, std::string_view detail) {
  request_id_ = loop_.make_id();
  tell_refusal(Refusal::Reason::kRequest, status);
  refuse(problem(status, detail, {}, request_id_));
}

void ClientConnection::refuse_for(Refusal::Reason reason, std::string_view detail) {
  request_id_ = loop_.make_id();
  tell_refusal(reason, 503);
  refuse(overloaded(detail, request_id_));
}

void ClientConnection::tell_refusal(Refusal::Reason reason, int status) const {
  if (!options_.on_refused) return;
  Refusal refusal{.reason = reason,
                  .status = status,
                  .request_id = request_id_,
                  .client_address = peer_.text,
                  .duration = std::chrono::duration_cast<std::chrono::microseconds>(
                      SteadyClock::now() - received_)};
  // A request that was handled is not the parser's any more.
  if (state_ != State::kReading) {
    refusal.method = access_method_;
    refusal.path = access_path_;
  } else if (const Request& request = parser_->request(); !request.path.empty()) {
    refusal.method = to_string(request.method);
    refusal.path = request.path;
  }
  options_.on_refused(refusal);
}

// Answers bytes that are no request, after which nothing sensible can follow.
void ClientConnection::refuse(Response response) {
  if (writing_) {  // a client that does not even take its 100 Continue
    close();
    return;
  }
  if (options_.add_fields) {
    const std::string_view origin = state_ == State::kReading
                                        ? parser_->request().headers.find("origin").value_or("")
                                        : std::string_view();
    options_.add_fields(response, origin, peer_.is_https);
  }
  close_after_ = true;
  refused_ = true;
  http_1_0_ = false;
  head_only_ = false;
  write(std::move(response));
}

void ClientConnection::write(Response response) {
  if (loop_.draining || loop_.shared->retired) close_after_ = true;
  const bool may_have_body = response.status != 204 && response.status != 304;
  const bool is_stream = may_have_body && response.stream != nullptr;
  chunked_ = is_stream && !http_1_0_;
  if (is_stream && http_1_0_) close_after_ = true;
  body_ = std::move(response.body);
  head_.clear();
  append_head(head_, response,
              {.date = loop_.date,
               .request_id = request_id_,
               .body = chunked_        ? Framing::kChunked
                       : is_stream     ? Framing::kUntilClose
                       : may_have_body ? Framing::kLength
                                       : Framing::kNone,
               .length = body_.size(),
               .closes = close_after_,
               .http_1_0 = http_1_0_});
  tail_ = {};
  if (is_stream && !head_only_) {
    if (read_all_) {  // nobody can tell any more whether the client is there
      close();
      return;
    }
    state_ = State::kStreaming;
    last_piece_ = false;
    source_ = std::move(response.stream);
    source_->on_data([loop = loop_.weak_from_this(), connection = weak_from_this()] {
      const std::shared_ptr<Loop> alive = loop.lock();
      if (!alive) return;
      asio::post(alive->context, [connection] {
        if (const auto waiting = connection.lock()) waiting->feed();
      });
    });
    feed();
    watch();
    return;
  }
  state_ = State::kWriting;
  if (head_only_ || !may_have_body || is_stream) body_.clear();
  send();
}

// Writes what the stream has: the head of the response goes with the first piece, and does not
// wait for it.
void ClientConnection::feed() {
  if (state_ != State::kStreaming || writing_) return;
  const auto self = shared_from_this();  // who feeds is called from here
  BodySource::State source = source_->take(body_);
  if (state_ != State::kStreaming) return;
  if (source == BodySource::State::kOpen && loop_.draining && source_->is_endless()) {
    source = BodySource::State::kFinished;
  }
  if (source == BodySource::State::kAborted) {
    transport_->reset();
    close();
    return;
  }
  last_piece_ = source == BodySource::State::kFinished;
  if (!hold(body_.size())) hold(0);  // a piece is bounded: it is counted where that fits
  if (chunked_) {
    if (!body_.empty()) {
      std::array<char, 20> digits{};
      const auto end = std::to_chars(digits.begin(), digits.end(), body_.size(), 16).ptr;
      head_.append(digits.begin(), end).append("\r\n");
      tail_ = last_piece_ ? "\r\n0\r\n\r\n" : "\r\n";
    } else {
      tail_ = last_piece_ ? "0\r\n\r\n" : "";
    }
  }
  if (head_.empty() && body_.empty() && tail_.empty()) {
    deadline_ = kNever;
    if (last_piece_) finish_response();
    return;
  }
  send();
}

void ClientConnection::send() {
  writing_ = true;
  if (state_ != State::kReading) deadline_ = SteadyClock::now() + options_.write_timeout;
  transport_->write({asio::buffer(head_), asio::buffer(body_), asio::buffer(tail_)},
                    shared_from_this());
}

void ClientConnection::on_written(error_code error) {
  writing_ = false;
  if (state_ == State::kClosed) return;
  if (error) {
    close();
    return;
  }
  switch (state_) {
    case State::kReading:  // it was 100 Continue
      begin_ == end_ ? read() : parse();
      return;
    case State::kWriting:
      finish_response();
      return;
    case State::kStreaming:
      head_.clear();
      last_piece_ ? finish_response() : feed();
      return;
    default:
      return;
  }
}

void ClientConnection::finish_response() {
  body_ = {};
  hold(0);
  if (delivery_) {
    if (!read_all_) delivery_->taken();
    std::exchange(delivery_, nullptr).reset();
  }
  if (source_) {
    // Who fed it is told that it is closed, and finds it so.
    const auto self = shared_from_this();
    state_ = State::kWriting;
    std::exchange(source_, nullptr).reset();
  }
  if (refused_ || close_after_ || loop_.draining) {
    end();
    return;
  }
  begin_request();
  deadline_ = SteadyClock::now() + options_.idle_timeout;
  begin_ == end_ ? read() : parse();
}

void ClientConnection::end() {
  lingers_ = refused_ || begin_ != end_;
  if (!lingers_ && !transport_->ends_by_word()) {
    close();
    return;
  }
  state_ = State::kEnding;
  deadline_ = SteadyClock::now() + std::chrono::seconds{1};
  transport_->end(shared_from_this());
}

// TLS reports what the client still sends as an error: it lingers all the same.
void ClientConnection::on_ended(error_code) {
  if (state_ != State::kEnding) return;
  if (!lingers_) {
    close();
    return;
  }
  state_ = State::kLingering;
  linger();
}

// Closing with unread input would reset the connection, and the client might lose the response:
// so read what still comes for a moment.
void ClientConnection::linger() {
  if (reading_) return;
  if (read_all_) {
    close();
    return;
  }
  begin_ = end_ = 0;
  reading_ = true;
  transport_->read(asio::buffer(input_), shared_from_this());
}

}  // namespace gesso::http::detail
