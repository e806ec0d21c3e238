// One client of the server: requests in, responses out. For the server's inside alone.
//
// Touched by its loop's thread only. Includes Asio.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/http/body_stream.hpp"
#include "gesso/http/detail/places.hpp"
#include "gesso/http/detail/transport.hpp"
#include "gesso/http/request_parser.hpp"
#include "gesso/http/response.hpp"
#include "gesso/http/server.hpp"

namespace gesso::http::detail {

using SteadyClock = std::chrono::steady_clock;

class Loop;

// Whom a connection is with.
struct Peer {
  IpAddress address;
  std::string text = {};    // of the address
  bool is_trusted = false;  // a proxy that may speak for others
  bool is_https = false;
  bool is_spare = false;  // beyond the connections that there may be: heard once
};

// Reads at all times but while its buffer is full: a client that goes while its request is handled
// is noticed at once, and what it sent ahead waits for its turn.
class ClientConnection final : public TransportUser,
                               public std::enable_shared_from_this<ClientConnection> {
  static constexpr std::size_t kIdleBuffer = 4096;
  static constexpr std::size_t kBodyBuffer = 16 * 1024;
  // Bodies that no lack of memory keeps from being sent: as much as the connection costs anyway.
  static constexpr std::size_t kAlwaysSent = 16 * 1024;
  static constexpr auto kNever = SteadyClock::time_point::max();

  enum class State {
    kOpening,    // the TLS handshake
    kReading,    // a request, or waiting for one
    kHandling,   // the handler has it
    kWriting,    // a response that is whole
    kStreaming,  // one that comes in pieces
    kEnding,     // telling the client that nothing follows
    kLingering,  // reading what a client sends that has its answer
    kClosed,
  };

  Loop& loop_;
  std::unique_ptr<Transport> transport_;
  const Peer peer_;
  std::optional<Place> place_;
  const ServerOptions& options_;
  State state_ = State::kOpening;
  SteadyClock::time_point deadline_;
  bool reading_ = false;     // a read is under way, into what is behind end_
  bool read_all_ = false;    // the client sends no more: Asio tells that once
  bool writing_ = false;     // a write is under way, of head_, body_ and tail_
  std::vector<char> input_;  // bytes [begin_, end_) are not parsed yet
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t held_ = 0;  // of the server's outstanding bytes
  // Of the connection and not of a request: one that loses its client is its last.
  std::stop_source client_gone_;

  std::optional<RequestParser> parser_;  // one a request
  bool continue_sent_ = false;
  bool close_after_ = false;  // after the response in work
  bool lingers_ = false;      // after its end
  bool refused_ = false;      // what came was no request we take: nothing can follow
  bool http_1_0_ = false;
  bool head_only_ = false;  // the method was HEAD
  bool is_vital_ = false;   // its path is one that is always answered
  std::string request_id_;
  SteadyClock::time_point received_;
  std::string access_method_, access_path_;  // kept for the access log only

  std::string head_;                    // of the response, or of a chunk
  std::string body_;                    // or a piece of it
  std::string_view tail_;               // of a chunk
  std::shared_ptr<BodySource> source_;  // of a response that comes in pieces
  bool chunked_ = false;
  bool last_piece_ = false;  // what is being written ends the body
  std::shared_ptr<Delivery> delivery_;

 public:
  ClientConnection(Loop& loop, std::unique_ptr<Transport> transport, Peer peer, Place place);
  ~ClientConnection() override;

  void start();
  // Closes the connection, or refuses its request, if it is past its time.
  void check(SteadyClock::time_point now);
  // The server stops: an idle connection has nothing to wait for, an endless stream ends.
  void drain();
  void close();

  void respond(Response response);
  // There is something in the stream again.
  void feed();

 private:
  void on_open(error_code error) override;
  void on_read(error_code error, std::size_t count) override;
  void on_written(error_code error) override;
  void on_ended(error_code error) override;

  void begin_request();
  void read();
  void watch();
  void parse();
  void handle();
  void refuse(int status, std::string_view detail);
  void refuse_for(Refusal::Reason reason, std::string_view detail);
  void refuse(Response response);
  void tell_refusal(Refusal::Reason reason, int status) const;
  bool hold(std::size_t bytes);
  void write(Response response);
  void write_head(const Response& response);
  void send();
  void finish_response();
  void end();
  void linger();
};

}  // namespace gesso::http::detail
